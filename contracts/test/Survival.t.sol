// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DPKI} from "../src/DPKI.sol";
import {Admin, Approval, Consent, Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";
import {Replay, emptyHash} from "./Replay.sol";

/// @dev One organisation to whose roots and guardians anything happens: at every moment somebody must still be able to
/// write, and nobody else.
contract Survivor is Base {
    uint256 constant KEYS = 9;

    /// @dev By ascending address.
    uint256[] keys;
    /// @dev The live roots, in no order; and admins of epochs that are over.
    Admin[] roots;
    Admin[] gone;
    bytes guardians = "";
    uint256[] guardianKeys;
    bytes[] waiting;
    uint256[][] waitingKeys;
    bytes recovery = "";
    Replay log;
    uint256 salts;

    /// @dev What has gone wrong, in words; empty is good.
    string public broken;
    mapping(string => uint256) public did;

    constructor() {
        begin();
        for (uint256 k = 1; k <= KEYS; ++k) {
            keys.push(k);
        }
        sort(keys);
        org = create(vm.addr(keys[0]), 0);
        root = rootOf(vm.addr(keys[0]), org, 0);
        zone = keccak256(abi.encode(bytes32("Z"), org, bytes32(uint256(1))));
        roots.push(root);
        (uint48 seq, uint48 blockNumber,) = dpki.tipOf(org, org);
        log = Replay(dpki.hashOf(org, org), seq, blockNumber);
    }

    function contractUnderTest() external view returns (DPKI, bytes32) {
        return (dpki, org);
    }

    function replayed() external view returns (Replay memory) {
        return log;
    }

    function rootCount() external view returns (uint256) {
        return roots.length;
    }

    function salt() private returns (bytes32) {
        return bytes32(++salts);
    }

    function check(bool good, string memory what) private {
        if (!good) broken = what;
    }

    // --- ways to write

    /// @dev Sends, and follows the entries of the organisation's scope.
    function send(bytes memory call) private returns (bool ok) {
        (uint40 frozenUntil,) = dpki.freezeOf(org);
        vm.recordLogs();
        (ok,) = address(dpki).call(call);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!ok) return false;
        bool completed;
        for (uint256 i = 0; i < logs.length; ++i) {
            (bytes32 head,,, bytes memory data) = abi.decode(logs[i].data, (bytes32, bytes32, address[], bytes));
            uint8 action = uint8(uint256(head) >> 224);
            uint8 kind = uint8(uint256(head) >> 216);
            completed = completed || action == COMPLETE;
            check(completed || action != PUT || now40() >= frozenUntil, "a freeze let a put through");
            if (logs[i].topics[2] != org) continue;
            Replay memory r = log;
            r.next(logs[i]);
            log = r;
            if (action == COMPLETE) {
                for (uint256 j = 0; j < roots.length; ++j) {
                    gone.push(roots[j]);
                }
                delete roots;
            }
            if (action == PUT && kind == ADMIN) {
                Admin memory a = abi.decode(data, (Admin));
                if (a.flags == 1) roots.push(a);
            }
        }
    }

    /// @dev With the approvals of all live roots.
    function together(bytes32 scope, bytes memory changes) private returns (bool) {
        Group[] memory groups = one(scope, 0, changes);
        bytes32 nonce = salt();
        bytes32 digest = dpki.digestOf(org, groups, nonce, NEVER);
        Approval[] memory approvals = new Approval[](roots.length);
        uint256 n;
        for (uint256 i = 0; i < KEYS; ++i) {
            for (uint256 j = 0; j < roots.length; ++j) {
                if (roots[j].account == vm.addr(keys[i])) {
                    approvals[n++] = Approval(roots[j], signature(keys[i], digest));
                }
            }
        }
        check(n == roots.length, "a root without a key");
        return send(abi.encodeCall(IDPKI.writeApproved, (org, groups, nonce, NEVER, approvals)));
    }

    /// @dev With the consents of the first `count` guardians.
    function guard(uint256 count, bytes memory changes) private returns (bool) {
        if (guardianKeys.length == 0) return false;
        count = 1 + count % guardianKeys.length;
        Group[] memory groups = one(org, 0, changes);
        bytes32 nonce = salt();
        bytes32 digest = dpki.digestOf(org, groups, nonce, NEVER);
        Consent[] memory consents = new Consent[](count);
        for (uint256 i = 0; i < count; ++i) {
            consents[i] = Consent(uint8(i), signature(guardianKeys[i], digest));
        }
        return send(abi.encodeCall(IDPKI.writeGuarded, (org, guardians, groups, nonce, NEVER, consents)));
    }

    function accounts(bytes memory data, uint256 count, uint256 skip)
        private
        view
        returns (bytes memory, uint256[] memory)
    {
        uint256[] memory used = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            used[i] = keys[skip + i];
            data = abi.encodePacked(data, abi.encode(vm.addr(used[i])));
        }
        return (data, used);
    }

    /// @dev Who is in force is what the contract says; what is shown is what was put.
    function follow() private {
        (bytes32 id,,,) = dpki.guardiansOf(org);
        for (uint256 i = 0; i < waiting.length; ++i) {
            if (keccak256(waiting[i]) == id) {
                guardians = waiting[i];
                guardianKeys = waitingKeys[i];
            }
        }
        check(id == 0 || keccak256(guardians) == id, "guardians in force whom nobody named");
    }

    // --- what happens

    function pass(uint32 time) external {
        vm.warp(now40() + time % 4 days);
        vm.roll(block.number + 1);
        follow();
    }

    function name(uint8 count, uint8 g, uint8 g2, uint32 timelock, uint8 skip) external {
        count = count % 5;
        skip = skip % 5;
        g2 = count == 0 ? 0 : 1 + g2 % count;
        g = count == 0 ? 0 : 1 + g % g2;
        uint256 lock = count == 0 ? 0 : 1 hours + timelock % 3 days;
        (bytes32 before, uint40 had,,) = dpki.guardiansOf(org);
        (bytes memory data, uint256[] memory used) = accounts(abi.encode(salt(), lock, g, g2), count, skip);
        if (!together(org, change(PUT, GUARDIAN, 0, NEVER, keccak256(data), data))) return;
        waiting.push(data);
        waitingKeys.push(used);
        ++did["name"];
        (bytes32 now_,,,) = dpki.guardiansOf(org);
        check(had == 0 || now_ == before, "guardians changed at once");
        follow();
    }

    function freeze(uint8 count, uint32 time) external {
        if (guard(count, change(FREEZE, GUARDIAN, 0, now40() + 1 + time % 8 days, 0, ""))) ++did["freeze"];
    }

    function recover(uint8 count, uint8 size, uint8 needed_, uint8 skip) external {
        (bytes memory data,) = accounts(abi.encode(salt(), 1 + needed_ % (1 + size % 4)), 1 + size % 4, skip % 5);
        if (!guard(count, change(RECOVER, GUARDIAN, 0, 0, keccak256(data), data))) return;
        recovery = data;
        ++did["recover"];
    }

    function veto() external {
        (,, bool isFinal,) = dpki.recoveryOf(org);
        if (!together(org, change(VETO, GUARDIAN, 0, 0, keccak256(recovery), ""))) return;
        check(!isFinal, "a veto of what g2 want");
        ++did["veto"];
    }

    function complete() external {
        (, uint40 from,,) = dpki.recoveryOf(org);
        if (!send(abi.encodeCall(IDPKI.completeRecovery, (org, guardians, recovery)))) return;
        check(now40() >= from, "complete before its time");
        ++did["complete"];
        follow();
    }

    function limit(uint8 kind, uint8 approvals, uint40 longest) external {
        together(org, limitOf(kind % 96, 1 + approvals % 6, longest == 0 ? NEVER : longest));
    }

    /// @dev All strong kinds alike, in an order that the contract takes.
    function threshold(uint8 approvals) external {
        approvals = 1 + approvals % 6;
        uint8[6] memory strong = [ADMIN, GUARDIAN, DISTRUST, POINTER, POLICY, LIMIT];
        bytes memory c;
        for (uint256 i = 0; i < strong.length; ++i) {
            c = bytes.concat(c, limitOf(strong[i], approvals, NEVER));
        }
        if (together(org, c)) ++did["threshold"];
    }

    function addRoot(uint8 key) external {
        together(org, adminOf(rootOf(vm.addr(keys[key % KEYS]), org, salt()), NEVER));
    }

    function removeRoot(uint8 i) external {
        i = uint8(i % roots.length);
        Admin memory a = roots[i];
        if (!together(org, revokeOf(ADMIN, idOf(a)))) return;
        roots[i] = roots[roots.length - 1];
        roots.pop();
        gone.push(a);
        ++did["removed"];
    }

    /// @dev Whoever is no root any more, or never was.
    function stranger(uint8 i, uint8 key) external {
        Admin memory a =
            gone.length > 0 && i % 2 == 0 ? gone[i % gone.length] : rootOf(vm.addr(keys[key % KEYS]), org, salt());
        vm.prank(a.account);
        (bool ok,) = address(dpki).call(abi.encodeCall(IDPKI.write, (org, a, one(zone, 0, revokeOf(GRANT, salt())))));
        check(!ok, "a stranger wrote");
        ++did["stranger"];
    }

    /// @dev From here on: when the freeze is over all roots together can make a root; and all guardians together can replace
    /// them, whatever they do. Then everything is as it was.
    function survive() external {
        uint256 snapshot = vm.snapshotState();
        string memory what = survives();
        require(vm.revertToState(snapshot), "snapshot");
        check(bytes(what).length == 0, what);
        ++did["survive"];
    }

    function survives() private returns (string memory) {
        (uint40 until,) = dpki.freezeOf(org);
        if (now40() < until) vm.warp(until);
        Admin memory a = Admin(vm.addr(keys[0]), zone, 0, 0, 0, salt());
        if (!together(org, change(PUT, ADMIN, 0, NEVER, idOf(a), abi.encode(a)))) {
            // A limit may shorten what roots give to others, but not a root's own.
            if (!together(org, limitOf(ADMIN, needed(), NEVER))) return "all roots cannot write";
        }
        follow();
        if (guardianKeys.length == 0) return "";
        (, uint40 lock,,) = dpki.guardiansOf(org);
        bytes memory data = abi.encode(salt(), 1, vm.addr(keys[0]));
        if (!guard(guardianKeys.length - 1, change(RECOVER, GUARDIAN, 0, 0, keccak256(data), data))) {
            return "all guardians cannot recover";
        }
        together(org, change(VETO, GUARDIAN, 0, 0, keccak256(data), ""));
        vm.warp(now40() + lock);
        if (!send(abi.encodeCall(IDPKI.completeRecovery, (org, guardians, data)))) {
            return "a recovery cannot be completed";
        }
        if (roots.length != 1) return "other roots after a recovery";
        if (!together(zone, putOf(GRANT, salt()))) return "the new root cannot write";
        return "";
    }

    function needed() private view returns (uint8 approvals) {
        (approvals,) = dpki.limitOf(org, ADMIN);
    }
}

contract Survival {
    Survivor survivor;
    DPKI dpki;
    bytes32 org;

    function setUp() public {
        survivor = new Survivor();
        (dpki, org) = survivor.contractUnderTest();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(survivor);
    }

    /// @dev One campaign for all of them.
    function invariant_all() public view {
        vm.assertTrue(bytes(survivor.broken()).length == 0, survivor.broken());
        Replay memory r = survivor.replayed();
        vm.assertEq(dpki.hashOf(org, org), r.h, "H is not the replay of the events");
        (, uint32 roots) = dpki.organisationOf(org);
        vm.assertEq(roots, survivor.rootCount(), "root count");
        vm.assertTrue(roots > 0, "no root left");
        thresholds(roots);
    }

    /// @dev The kinds that decide over others need as many approvals as any, and no more than there are roots.
    function thresholds(uint256 roots) internal view {
        uint8[6] memory strong = [ADMIN, LIMIT, GUARDIAN, DISTRUST, POINTER, POLICY];
        uint256 least = 17;
        for (uint256 i = 0; i < strong.length; ++i) {
            (uint8 approvals,) = dpki.limitOf(org, strong[i]);
            vm.assertTrue(approvals <= roots, "a threshold that nobody reaches");
            if (approvals < least) least = approvals;
        }
        for (uint8 kind = 0; kind < 96; ++kind) {
            (uint8 approvals,) = dpki.limitOf(org, kind);
            bool isStrong = kind == POLICY || kind > 0 && kind < 6;
            vm.assertTrue(isStrong || approvals <= least, "a kind above those that decide over it");
        }
    }
}
