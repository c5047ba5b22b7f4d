// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DPKI} from "../src/DPKI.sol";
import {Admin, Group, IDPKI} from "../src/IDPKI.sol";
import {Vm, vm} from "./Vm.sol";

uint8 constant PUT = 1;
uint8 constant REVOKE = 2;
uint8 constant FREEZE = 3;
uint8 constant RECOVER = 4;
uint8 constant VETO = 5;
uint8 constant COMPLETE = 6;
uint8 constant ADMIN = 1;
uint8 constant LIMIT = 2;
uint8 constant GUARDIAN = 3;
uint8 constant DISTRUST = 4;
uint8 constant POINTER = 5;
uint8 constant ZONE = 6;
uint8 constant DENY_CLEAR = 7;
uint8 constant POLICY = 16;
uint8 constant DEVICE = 19;
uint8 constant BATCH = 20;
uint8 constant GRANT = 22;
uint8 constant GRANT_PRIV = 23;
uint8 constant DENY = 24;
uint40 constant NEVER = 2 ** 40 - 1;
uint96 constant ALL = 2 ** 96 - 1;

/// @dev An organisation with its root admin, a zone, a mailbox, and ways to write to them.
abstract contract Base {
    DPKI dpki;
    address alice = vm.addr(0xa11ce);
    address bob = vm.addr(0xb0b);
    address mallory = vm.addr(0xbad);
    bytes32 org;
    Admin root;
    bytes32 zone;
    bytes32 commitment = keccak256("mailbox secret");
    bytes32 mailbox;

    function begin() internal {
        vm.warp(1_767_225_600);
        vm.roll(100);
        dpki = new DPKI();
        org = create(alice, bytes32(uint256(7)));
        root = rootOf(alice, org, bytes32(uint256(7)));
        zone = keccak256(abi.encode(bytes32("Z"), org, bytes32(uint256(1))));
        mailbox = keccak256(abi.encode(bytes32("D"), zone, commitment));
    }

    function create(address creator, bytes32 salt) internal returns (bytes32) {
        vm.prank(creator);
        return dpki.createOrganisation(salt);
    }

    function rootOf(address account, bytes32 org_, bytes32 salt) internal pure returns (Admin memory) {
        return Admin(account, org_, ALL, ALL, 1, salt);
    }

    function idOf(Admin memory a) internal pure returns (bytes32) {
        return keccak256(abi.encode(a));
    }

    /// @dev By way of forge: the compiler takes block.timestamp to be the same all through a function, vm.warp or not.
    function now40() internal view returns (uint40) {
        return uint40(vm.getBlockTimestamp());
    }

    function bit(uint8 kind) internal pure returns (uint96) {
        return uint96(1) << kind;
    }

    /// @dev One change in the form of Group.changes.
    function change(uint8 action, uint8 kind, uint40 from, uint40 until, bytes32 subject, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(action, kind, uint16(data.length), from, until, subject, data);
    }

    function putOf(uint8 kind, bytes32 subject) internal view returns (bytes memory) {
        return change(PUT, kind, now40(), now40() + 300, subject, "sealed");
    }

    function revokeOf(uint8 kind, bytes32 subject) internal pure returns (bytes memory) {
        return change(REVOKE, kind, 0, 0, subject, "");
    }

    function adminOf(Admin memory a, uint40 until) internal pure returns (bytes memory) {
        return change(PUT, ADMIN, 0, until, idOf(a), abi.encode(a));
    }

    /// @dev Many puts of a second, with subjects of their own.
    function many(uint256 count, uint256 seed) internal view returns (bytes memory c) {
        c = new bytes(46 * count);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory next =
                change(PUT, GRANT_PRIV, 0, uint40(block.timestamp) + 1, keccak256(abi.encode(seed, i)), "");
            assembly ("memory-safe") {
                mcopy(add(add(c, 32), mul(46, i)), add(next, 32), 46)
            }
        }
    }

    uint256 private limits;

    /// @dev A LIMIT entry, each with a subject of its own.
    function limitOf(uint8 kind, uint8 approvals, uint40 longest) internal returns (bytes memory) {
        return change(PUT, LIMIT, 0, NEVER, bytes32(++limits), abi.encode(kind, approvals, longest));
    }

    function one(bytes32 scope, bytes32 salt, bytes memory changes) internal pure returns (Group[] memory groups) {
        groups = new Group[](1);
        groups[0] = Group(scope, salt, changes);
    }

    /// @dev Writes as the root admin.
    function write(bytes32 scope, bytes memory changes) internal {
        write(root, scope, 0, changes);
    }

    function write(Admin memory a, bytes32 scope, bytes32 salt, bytes memory changes) internal {
        vm.prank(a.account);
        dpki.write(org, a, one(scope, salt, changes));
    }

    /// @dev Expects the write to be refused for exactly this reason.
    function refused(bytes memory reason, Admin memory a, bytes32 scope, bytes32 salt, bytes memory changes) internal {
        vm.expectRevert(reason);
        vm.prank(a.account);
        dpki.write(org, a, one(scope, salt, changes));
    }

    function refused(bytes memory reason, bytes32 scope, bytes memory changes) internal {
        refused(reason, root, scope, 0, changes);
    }

    /// @dev A delegated admin, made by the root admin.
    function delegate(address account, bytes32 power, uint96 putMask, uint96 revokeMask, uint40 until)
        internal
        returns (Admin memory a)
    {
        a = Admin(account, power, putMask, revokeMask, 0, keccak256(abi.encode(account, power, putMask, revokeMask)));
        write(org, adminOf(a, until));
    }

    function seqOf(bytes32 scope) internal view returns (uint48 seq) {
        (seq,,) = dpki.tipOf(org, scope);
    }

    function revokedAt(bytes32 scope, uint8 kind, bytes32 subject) internal view returns (uint40 time) {
        (,, time,,) = dpki.recordOf(org, scope, kind, subject);
    }

    function rootsOf(bytes32 org_) internal view returns (uint32 roots) {
        (, roots) = dpki.organisationOf(org_);
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev By ascending account.
    function sort(uint256[] storage keys) internal {
        for (uint256 i = 0; i < keys.length; ++i) {
            for (uint256 j = i + 1; j < keys.length; ++j) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
            }
        }
    }

    function windowError(uint40 from, uint40 until) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDPKI.InvalidWindow.selector, from, until);
    }
}

abstract contract BaseTest is Base {
    function setUp() public virtual {
        begin();
    }
}
