// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DPKI} from "../src/DPKI.sol";
import {Admin, Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";
import {Replay, emptyHash} from "./Replay.sol";

/// @dev Writes at random to two organisations, keeps its own account of what must be, and notes what is not.
contract Handler is Base {
    struct Scope {
        bytes32 org;
        bytes32 scope;
        Replay log;
    }

    Scope[] public scopes;
    Admin[2] roots;
    bytes32[2] orgs;
    /// @dev What has gone wrong, in words; empty is good.
    string public broken;
    uint256 public accepted;
    uint256 public refusals;

    /// @dev By keccak256(abi.encode(scope number, kind, subject)).
    mapping(bytes32 => bool) revoked;
    mapping(bytes32 => bool) put;
    mapping(uint256 => mapping(address => bool)) isRoot;
    mapping(uint256 => uint256) public roots_;
    Admin[] extra;
    uint256[] extraOrg;

    constructor() {
        begin();
        orgs = [org, create(bob, 0)];
        roots = [root, rootOf(bob, orgs[1], 0)];
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 z = keccak256(abi.encode(bytes32("Z"), orgs[i], bytes32(uint256(1))));
            bytes32 m = keccak256(abi.encode(bytes32("D"), z, commitment));
            push(orgs[i], orgs[i]);
            push(orgs[i], z);
            push(orgs[i], m);
            isRoot[i][roots[i].account] = true;
            roots_[i] = 1;
        }
        // The creation's own entry is replayed from storage by its first successor: start from what the contract says.
        for (uint256 i = 0; i < 2; ++i) {
            (uint48 seq, uint48 blockNumber,) = dpki.tipOf(orgs[i], orgs[i]);
            scopes[3 * i].log = Replay(dpki.hashOf(orgs[i], orgs[i]), seq, blockNumber);
        }
    }

    function push(bytes32 o, bytes32 s) private {
        scopes.push(Scope(o, s, Replay(emptyHash(address(dpki), o, s), 0, 0)));
    }

    function contractUnderTest() external view returns (DPKI) {
        return dpki;
    }

    function scopeCount() external view returns (uint256) {
        return scopes.length;
    }

    function organisation(uint256 i) external view returns (bytes32) {
        return orgs[i];
    }

    function log(uint256 i) external view returns (bytes32 o, bytes32 s, Replay memory r) {
        return (scopes[i].org, scopes[i].scope, scopes[i].log);
    }

    function keyOf(uint256 n, uint8 kind, bytes32 subject) private pure returns (bytes32) {
        return keccak256(abi.encode(n, kind, subject));
    }

    /// @dev A write, and if it is accepted the replay of its events.
    function send(uint256 n, Admin memory a, bytes32 salt, bytes memory changes) private returns (bool ok) {
        Scope storage s = scopes[n];
        vm.recordLogs();
        vm.prank(a.account);
        (ok,) = address(dpki).call(abi.encodeCall(IDPKI.write, (s.org, a, one(s.scope, salt, changes))));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!ok) {
            ++refusals;
            return ok;
        }
        ++accepted;
        Replay memory r = s.log;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[1] != s.org || logs[i].topics[2] != s.scope) broken = "an event of another scope";
            r.next(logs[i]);
        }
        s.log = r;
    }

    function pass(uint32 time) external {
        vm.warp(block.timestamp + time % 3 days);
        vm.roll(block.number + 1 + time % 5);
    }

    /// @dev A small space of subjects, so that they meet again.
    function putOne(uint256 n, uint8 kind, uint8 subject, uint32 length, uint16 size) external {
        n %= 6;
        kind = 16 + kind % 4;
        bytes32 k = keyOf(n, kind, bytes32(uint256(subject)));
        bytes memory c =
            change(PUT, kind, 0, now40() + 1 + length % 400 days, bytes32(uint256(subject)), new bytes(size % 300));
        bool ok = send(n, roots[n / 3], 0, c);
        if (ok && (put[k] || revoked[k])) broken = "a subject was put twice or after its revocation";
        if (!ok && !put[k] && !revoked[k]) broken = "a good put was refused";
        if (ok) put[k] = true;
    }

    function revokeOne(uint256 n, uint8 kind, uint8 subject) external {
        n %= 6;
        kind = 16 + kind % 4;
        bytes32 k = keyOf(n, kind, bytes32(uint256(subject)));
        uint256 before = scopes[n].log.seq;
        if (!send(n, roots[n / 3], 0, revokeOf(kind, bytes32(uint256(subject))))) broken = "a revocation was refused";
        if ((scopes[n].log.seq == before) != revoked[k]) {
            broken = "revoking the revoked is the only revocation that writes nothing";
        }
        revoked[k] = true;
        (, uint40 until, uint40 at_,,) = dpki.recordOf(scopes[n].org, scopes[n].scope, kind, bytes32(uint256(subject)));
        if (at_ == 0 || at_ > block.timestamp) broken = "a revoked subject is not revoked";
        if ((until != 0) != put[k]) broken = "a revocation changed the window";
    }

    /// @dev The admin of one organisation, or of none, at every scope of the other.
    function stranger(uint256 n, uint160 account, bool other) external {
        n %= 6;
        Admin memory a = other ? roots[1 - n / 3] : Admin(address(account), scopes[n].org, ALL, ALL, 1, 0);
        if (!other && isRoot[n / 3][a.account]) return;
        if (send(n, a, 0, change(PUT, GRANT, 0, now40() + 1, keccak256(abi.encode(refusals)), ""))) {
            broken = "a stranger wrote";
        }
    }

    function addRoot(uint256 i, uint160 account, uint8 salt) external {
        i %= 2;
        Admin memory a = rootOf(address(account % 8 + 1), orgs[i], bytes32(uint256(salt)));
        bool was = isRoot[i][a.account];
        bool ok = send(3 * i, roots[i], 0, adminOf(a, NEVER));
        if (ok && was) broken = "an account is root twice";
        if (ok) {
            isRoot[i][a.account] = true;
            ++roots_[i];
            extra.push(a);
            extraOrg.push(i);
        }
    }

    function removeRoot(uint256 i, bool first) external {
        if (first || extra.length == 0) {
            // The first root is never removed here; by itself it must not be removable when it is alone.
            i %= 2;
            if (roots_[i] == 1 && send(3 * i, roots[i], 0, revokeOf(ADMIN, idOf(roots[i])))) {
                broken = "the last root was removed";
            }
            return;
        }
        i %= extra.length;
        uint256 o = extraOrg[i];
        (,, uint40 before,,) = dpki.recordOf(orgs[o], orgs[o], ADMIN, idOf(extra[i]));
        if (!send(3 * o, roots[o], 0, revokeOf(ADMIN, idOf(extra[i])))) broken = "a root could not be removed";
        if (before == 0) {
            isRoot[o][extra[i].account] = false;
            --roots_[o];
        }
    }

    /// @dev Many at once, so that sequences pass checkpoints.
    function batch(uint256 n, uint16 count, uint64 seed) external {
        n %= 6;
        send(n, roots[n / 3], 0, many(1 + count % 600, seed));
    }
}

contract Invariants {
    Handler handler;
    DPKI dpki;

    function setUp() public {
        handler = new Handler();
        dpki = handler.contractUnderTest();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One campaign for all of them: each invariant_ function would have its own.
    function invariant_all() public view {
        rules();
        logs();
        roots();
    }

    /// @dev A campaign that wrote nothing, or was never refused, has shown nothing.
    function afterInvariant() public view {
        vm.assertTrue(handler.accepted() > 0 && handler.refusals() > 0, "nothing was tried");
    }

    function rules() internal view {
        vm.assertTrue(bytes(handler.broken()).length == 0, handler.broken());
    }

    /// @dev H covers every change, in every scope, and nothing else; M says the same.
    function logs() internal view {
        for (uint256 i = 0; i < handler.scopeCount(); ++i) {
            (bytes32 org, bytes32 scope, Replay memory r) = handler.log(i);
            vm.assertEq(dpki.hashOf(org, scope), r.h, "H is not the replay of the events");
            (uint48 seq, uint48 blockNumber,) = dpki.tipOf(org, scope);
            vm.assertEq(seq, r.seq, "M: sequence");
            vm.assertEq(blockNumber, r.blockNumber, "M: block");
            vm.assertTrue((dpki.checkpointOf(org, scope, r.seq / 1024) != 0) == (r.seq >= 1024), "C up to here");
            vm.assertEq(dpki.checkpointOf(org, scope, r.seq / 1024 + 1), 0, "C beyond the end");
        }
    }

    function roots() internal view {
        for (uint256 i = 0; i < 2; ++i) {
            (, uint32 count) = dpki.organisationOf(handler.organisation(i));
            vm.assertEq(count, handler.roots_(i), "root count");
            vm.assertTrue(count > 0, "no root left");
        }
    }
}
