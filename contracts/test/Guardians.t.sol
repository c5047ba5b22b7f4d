// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Admin, Approval, Consent, Group, IDPKI} from "../src/IDPKI.sol";
import {Wallet} from "./Approvals.t.sol";
import "./Base.sol";
import {Replay} from "./Replay.sol";
import {Vm, vm} from "./Vm.sol";

/// @dev Three guardians, of whom two act and three cannot be vetoed: each attack beside its accepted twin.
contract GuardiansTest is BaseTest {
    bytes32 constant S = keccak256("subject");
    uint40 constant TIMELOCK = 2 days;
    uint256[] keys;
    bytes guardians;
    uint256 salts;

    function setUp() public override {
        super.setUp();
        keys = [uint256(1), 2, 3];
        sort(keys);
        guardians = guardiansOf(TIMELOCK, 2, 3);
        write(org, named(guardians));
    }

    // --- ways to write

    function guardiansOf(uint40 timelock, uint8 g, uint8 g2) internal returns (bytes memory data) {
        data = abi.encode(bytes32(++salts), timelock, g, g2);
        for (uint256 i = 0; i < keys.length; ++i) {
            data = abi.encodePacked(data, abi.encode(vm.addr(keys[i])));
        }
    }

    function nobody() internal returns (bytes memory) {
        return abi.encode(bytes32(++salts), 0, 0, 0);
    }

    function named(bytes memory data) internal pure returns (bytes memory) {
        return change(PUT, GUARDIAN, 0, NEVER, keccak256(data), data);
    }

    function recoveryOf(uint8 threshold, address a, address b) internal returns (bytes memory) {
        return b == address(0)
            ? abi.encode(bytes32(++salts), threshold, a)
            : a < b ? abi.encode(bytes32(++salts), threshold, a, b) : abi.encode(bytes32(++salts), threshold, b, a);
    }

    function recover(bytes memory data) internal pure returns (bytes memory) {
        return change(RECOVER, GUARDIAN, 0, 0, keccak256(data), data);
    }

    function freeze(uint40 until) internal pure returns (bytes memory) {
        return change(FREEZE, GUARDIAN, 0, until, 0, "");
    }

    function veto(bytes memory recovery) internal pure returns (bytes memory) {
        return change(VETO, GUARDIAN, 0, 0, keccak256(recovery), "");
    }

    function vetoPointer(bytes32 subject) internal pure returns (bytes memory) {
        return change(VETO, POINTER, 0, 0, subject, "");
    }

    /// @dev The consents of guardians `first` to `first + count - 1`.
    function consents(uint256 first, uint256 count, Group[] memory groups, bytes32 nonce)
        internal
        view
        returns (Consent[] memory c)
    {
        bytes32 digest = dpki.digestOf(org, groups, nonce, NEVER);
        c = new Consent[](count);
        for (uint256 i = 0; i < count; ++i) {
            c[i] = Consent(uint8(first + i), signature(keys[first + i], digest));
        }
    }

    function guard(uint256 count, bytes memory changes) internal {
        guard(0, count, changes);
    }

    function guard(uint256 first, uint256 count, bytes memory changes) internal {
        Group[] memory groups = one(org, 0, changes);
        bytes32 nonce = bytes32(++salts);
        dpki.writeGuarded(org, guardians, groups, nonce, NEVER, consents(first, count, groups, nonce));
    }

    function refusedGuard(bytes memory reason, uint256 count, bytes memory changes) internal {
        Group[] memory groups = one(org, 0, changes);
        bytes32 nonce = bytes32(++salts);
        Consent[] memory c = consents(0, count, groups, nonce);
        vm.expectRevert(reason);
        dpki.writeGuarded(org, guardians, groups, nonce, NEVER, c);
    }

    /// @dev The new roots' Admins, from the events. Their salt is the running hash after the first of them.
    function complete(bytes memory recovery) internal returns (Admin[] memory roots) {
        (uint48 seq, uint48 blockNumber,) = dpki.tipOf(org, org);
        Replay memory log = Replay(dpki.hashOf(org, org), seq, blockNumber);
        vm.recordLogs();
        vm.prank(mallory);
        dpki.completeRecovery(org, guardians, recovery);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        log.next(logs[0]);
        roots = new Admin[](logs.length - 1);
        for (uint256 i = 1; i < logs.length; ++i) {
            (,,, bytes memory data) = abi.decode(logs[i].data, (bytes32, bytes32, address[], bytes));
            roots[i - 1] = abi.decode(data, (Admin));
            vm.assertEq(roots[i - 1].salt, log.h, "salt");
        }
    }

    function pass(uint256 time) internal {
        vm.warp(now40() + time);
        vm.roll(block.number + 1);
    }

    function selector(bytes4 reason, uint256 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(reason, a);
    }

    function needed(uint8 kind, uint8 approvals) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, kind, approvals);
    }

    function notAllowed(uint8 action, uint8 kind) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDPKI.NotAllowed.selector, action, kind);
    }

    function frozen(uint40 until) internal pure returns (bytes memory) {
        return selector(IDPKI.Frozen.selector, until);
    }

    function inForce() internal view returns (bytes32 id) {
        (id,,,) = dpki.guardiansOf(org);
    }

    // --- freeze

    function test_freeze_stops_what_permits() public {
        write(zone, putOf(GRANT, S));
        Admin memory delegated = delegate(bob, org, ALL, ALL, NEVER);
        uint40 until = now40() + 7 days;
        guard(2, freeze(until));
        uint8[9] memory stopped = [ADMIN, LIMIT, GUARDIAN, POINTER, ZONE, POLICY, GRANT, GRANT_PRIV, DEVICE];
        for (uint256 i = 0; i < stopped.length; ++i) {
            bytes32 scope = stopped[i] < 16 ? org : zone;
            refused(frozen(until), scope, putOf(stopped[i], keccak256(abi.encode(i))));
        }
        refused(frozen(until), org, adminOf(rootOf(mallory, org, 0), NEVER));
        refused(frozen(until), org, revokeOf(ADMIN, idOf(delegated)));
        uint8[7] memory kept = [GUARDIAN, ZONE, DEVICE, POLICY, DENY, DENY_CLEAR, DISTRUST];
        for (uint256 i = 0; i < kept.length; ++i) {
            refused(frozen(until), kept[i] < 16 ? org : zone, revokeOf(kept[i], S));
        }
        refused(frozen(until), delegated, zone, 0, putOf(GRANT, keccak256("delegated")));
        // What takes rights away goes on.
        write(zone, putOf(DENY, keccak256("deny")));
        write(org, putOf(DENY_CLEAR, keccak256("deny")));
        write(org, change(PUT, DISTRUST, 0, NEVER, keccak256("distrust"), abi.encode(mallory, uint40(0), now40())));
        write(zone, revokeOf(GRANT, S));
        write(org, revokeOf(POINTER, S));
        refused(frozen(until), org, revokeOf(GUARDIAN, S));
        // And afterwards everything does.
        vm.warp(until - 1);
        refused(frozen(until), zone, change(PUT, GRANT, 0, until + 300, keccak256("after"), ""));
        vm.warp(until);
        write(zone, change(PUT, GRANT, 0, until + 300, keccak256("after"), ""));
        write(org, revokeOf(ADMIN, idOf(delegated)));
    }

    /// @dev Neither with approvals: the freeze is the writer's, whoever that is.
    function test_freeze_stops_approved_writes() public {
        guard(2, freeze(now40() + 1 days));
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory approvals = new Approval[](1);
        approvals[0] = Approval(root, signature(0xa11ce, dpki.digestOf(org, groups, 0, NEVER)));
        vm.expectRevert(frozen(now40() + 1 days));
        dpki.writeApproved(org, groups, 0, NEVER, approvals);
        pass(1 days);
        groups = one(zone, 0, putOf(GRANT, S));
        approvals[0].signature = signature(0xa11ce, dpki.digestOf(org, groups, 0, NEVER));
        dpki.writeApproved(org, groups, 0, NEVER, approvals);
    }

    function test_freeze_is_short_and_cools_down() public {
        uint40 t = now40();
        refusedGuard(windowError(0, t), 2, freeze(t));
        refusedGuard(windowError(0, t + 7 days + 1), 2, freeze(t + 7 days + 1));
        guard(2, freeze(t + 7 days));
        // Neither longer nor again before as much time has passed.
        refusedGuard(selector(IDPKI.CoolingDown.selector, t + 14 days), 2, freeze(t + 7 days));
        vm.warp(t + 14 days - 1);
        refusedGuard(selector(IDPKI.CoolingDown.selector, t + 14 days), 2, freeze(t + 15 days));
        vm.warp(t + 14 days);
        guard(2, freeze(t + 15 days));
        (uint40 until, uint40 cool) = dpki.freezeOf(org);
        vm.assertEq(until, t + 15 days, "until");
        vm.assertEq(cool, t + 16 days, "cool");
    }

    function test_freeze_ends_sooner_but_cools_as_long() public {
        uint40 t = now40();
        guard(2, freeze(t + 7 days));
        guard(2, freeze(t + 60));
        refused(frozen(t + 60), zone, putOf(GRANT, S));
        vm.warp(t + 60);
        write(zone, putOf(GRANT, S));
        refusedGuard(selector(IDPKI.CoolingDown.selector, t + 14 days), 2, freeze(t + 61));
    }

    // --- who guardians are

    function test_fewer_than_g() public {
        refusedGuard(needed(GUARDIAN, 2), 1, freeze(now40() + 60));
        guard(2, freeze(now40() + 60));
    }

    function test_consents() public {
        Group[] memory groups = one(org, 0, freeze(now40() + 60));
        Consent[] memory good = consents(0, 2, groups, S);
        Consent[] memory c = consents(0, 2, groups, S);
        bytes memory unordered = abi.encodeWithSelector(IDPKI.InvalidApprovals.selector);
        // Twice, in the wrong order, nobody.
        c[1] = c[0];
        attack(unordered, groups, c);
        (c[0], c[1]) = (good[1], good[0]);
        attack(unordered, groups, c);
        c[0] = good[0];
        c[1] = Consent(3, good[1].signature);
        attack(unordered, groups, c);
        attack(unordered, groups, new Consent[](0));
        // One signs for another.
        c[1] = Consent(1, good[0].signature);
        attack(selector(IDPKI.InvalidSignature.selector, uint160(vm.addr(keys[1]))), groups, c);
        // Other guardians than those in force.
        bytes memory others = guardiansOf(TIMELOCK, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NotGuardians.selector, keccak256(others)));
        dpki.writeGuarded(org, others, groups, S, NEVER, good);
        dpki.writeGuarded(org, guardians, groups, S, NEVER, good);
        attack(
            abi.encodeWithSelector(IDPKI.AlreadyWritten.selector, dpki.digestOf(org, groups, S, NEVER)), groups, good
        );
    }

    function attack(bytes memory reason, Group[] memory groups, Consent[] memory c) internal {
        vm.expectRevert(reason);
        dpki.writeGuarded(org, guardians, groups, S, NEVER, c);
    }

    /// @dev A root's approval is no guardian's, nor the other way round, though both sign the same type.
    function test_guardians_are_not_admins() public {
        refusedGuard(notAllowed(PUT, GRANT), 3, putOf(GRANT, S));
        refusedGuard(notAllowed(REVOKE, GRANT), 3, revokeOf(GRANT, S));
        refusedGuard(notAllowed(PUT, ADMIN), 3, adminOf(rootOf(mallory, org, 0), NEVER));
        refused(notAllowed(FREEZE, GUARDIAN), org, freeze(now40() + 60));
        bytes memory r = recoveryOf(1, bob, address(0));
        refused(notAllowed(RECOVER, GUARDIAN), org, recover(r));
        refused(notAllowed(VETO, POINTER), org, vetoPointer(S));
        guard(2, recover(r));
        refusedGuard(notAllowed(VETO, GUARDIAN), 3, veto(r));
        write(org, veto(r));
    }

    function test_guardians_write_to_the_organisation_only() public {
        Group[] memory groups = one(zone, 0, freeze(now40() + 60));
        Consent[] memory c = consents(0, 2, groups, S);
        attack(abi.encodeWithSelector(IDPKI.OrganisationScopeOnly.selector, GUARDIAN), groups, c);
        guard(2, freeze(now40() + 60));
    }

    function test_a_contract_guards() public {
        Wallet wallet = new Wallet();
        bytes memory others = abi.encode(bytes32(0), 1 hours, 1, 1, address(wallet));
        write(org, named(others));
        pass(2 * TIMELOCK);
        guardians = others;
        Group[] memory groups = one(org, 0, freeze(now40() + 60));
        Consent[] memory c = new Consent[](1);
        attack(selector(IDPKI.InvalidSignature.selector, uint160(address(wallet))), groups, c);
        wallet.accept(dpki.digestOf(org, groups, S, NEVER));
        dpki.writeGuarded(org, guardians, groups, S, NEVER, c);
    }

    function test_bounds() public {
        address a = vm.addr(keys[0]);
        address b = vm.addr(keys[1]);
        invalid(abi.encode(S, 1 hours, 2, 2, a));
        invalid(abi.encode(S, 1 hours, 0, 1, a));
        invalid(abi.encode(S, 1 hours, 2, 1, a, b));
        invalid(abi.encode(S, 1 hours, 1, 3, a, b));
        invalid(abi.encode(S, 1 hours - 1, 1, 1, a));
        invalid(abi.encode(S, 30 days + 1, 1, 1, a));
        invalid(abi.encode(S, 1 hours, 1, 1, b, a));
        invalid(abi.encode(S, 1 hours, 1, 1, a, a));
        invalid(abi.encode(S, 1 hours, 1, 1, address(0)));
        invalid(abi.encode(S, 1 hours, 1, 1, uint256(uint160(a)) | 1 << 160));
        invalid(abi.encode(S, 1 hours, uint256(1) | 1 << 8, 1, a));
        invalid(abi.encode(S, 1 hours, 0, 0));
        invalid(abi.encode(S, 0, 0));
        invalid(abi.encodePacked(abi.encode(S, 1 hours, 1, 1, a), uint8(0)));
        bytes memory many = abi.encode(S, 1 hours, 1, 1);
        for (uint256 i = 1; i <= 16; ++i) {
            many = abi.encodePacked(many, i);
        }
        invalid(abi.encodePacked(many, uint256(17)));
        write(org, named(many));
        write(org, named(abi.encode(S, 1 hours, 1, 1, a)));
        write(org, named(abi.encode(S, 30 days, 2, 2, a, b)));
        write(org, named(abi.encode(S, 0, 0, 0)));
        refused(windowError(now40() + 1, NEVER), org, change(PUT, GUARDIAN, now40() + 1, NEVER, S, guardians));
        refused(windowError(0, NEVER - 1), org, change(PUT, GUARDIAN, 0, NEVER - 1, S, guardians));
        refused(
            abi.encodeWithSelector(IDPKI.InvalidGuardians.selector, S),
            org,
            change(PUT, GUARDIAN, 0, NEVER, S, guardians)
        );
    }

    function invalid(bytes memory data) internal {
        refused(abi.encodeWithSelector(IDPKI.InvalidGuardians.selector, keccak256(data)), org, named(data));
    }

    // --- change of guardians

    function test_a_change_waits_twice_the_timelock() public {
        bytes memory next = guardiansOf(1 hours, 1, 1);
        write(org, named(next));
        pass(2 * TIMELOCK - 1);
        guard(2, freeze(now40() + 1));
        vm.assertEq(inForce(), keccak256(guardians), "too early");
        pass(1);
        vm.assertEq(inForce(), keccak256(next), "in force");
        refusedGuard(abi.encodeWithSelector(IDPKI.NotGuardians.selector, keccak256(guardians)), 2, freeze(now40() + 1));
        guardians = next;
        pass(1);
        guard(1, freeze(now40() + 1));
    }

    function test_a_change_that_waits_is_withdrawn_or_replaced() public {
        bytes memory next = guardiansOf(1 hours, 1, 1);
        write(org, named(next));
        refused(
            abi.encodeWithSelector(IDPKI.NotRevocable.selector, GUARDIAN), org, revokeOf(GUARDIAN, keccak256(guardians))
        );
        write(org, revokeOf(GUARDIAN, keccak256(next)));
        pass(2 * TIMELOCK);
        vm.assertEq(inForce(), keccak256(guardians), "withdrawn");
        write(org, named(guardiansOf(1 hours, 1, 1)));
        bytes memory last = guardiansOf(2 hours, 1, 1);
        write(org, named(last));
        pass(2 * TIMELOCK);
        vm.assertEq(inForce(), keccak256(last), "the later one counts");
        refused(abi.encodeWithSelector(IDPKI.NotRevocable.selector, GUARDIAN), org, revokeOf(GUARDIAN, keccak256(last)));
    }

    function test_a_recovery_suspends_a_change() public {
        bytes memory next = guardiansOf(1 hours, 1, 1);
        write(org, named(next));
        pass(2 * TIMELOCK - 1);
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        pass(100 days);
        vm.assertEq(inForce(), keccak256(guardians), "suspended");
        // A veto lets it wait anew: time for all guardians to answer.
        write(org, veto(r));
        pass(2 * TIMELOCK - 1);
        vm.assertEq(inForce(), keccak256(guardians), "waits anew");
        r = recoveryOf(1, bob, address(0));
        guard(3, recover(r));
        pass(TIMELOCK);
        complete(r);
        pass(100 days);
        vm.assertEq(inForce(), keccak256(guardians), "dropped with the epoch");
    }

    function test_nobody_guards() public {
        write(org, named(nobody()));
        pass(2 * TIMELOCK);
        refusedGuard(abi.encodeWithSelector(IDPKI.NotGuardians.selector, keccak256(guardians)), 3, freeze(now40() + 60));
        // The root admins go on, and name new ones at once.
        write(zone, putOf(GRANT, S));
        guardians = guardiansOf(TIMELOCK, 1, 2);
        write(org, named(guardians));
        guard(1, freeze(now40() + 60));
    }

    // --- recovery

    function test_recovery() public {
        write(zone, putOf(GRANT, S));
        Admin memory delegated = delegate(bob, zone, ALL, ALL, NEVER);
        write(org, limitOf(GRANT, 1, 60));
        bytes memory r = recoveryOf(2, bob, mallory);
        guard(2, recover(r));
        (bytes32 id, uint40 from, bool isFinal,) = dpki.recoveryOf(org);
        vm.assertTrue(id == keccak256(r) && from == now40() + TIMELOCK && !isFinal, "recoveryOf");
        pass(TIMELOCK - 1);
        vm.expectRevert(selector(IDPKI.TooEarly.selector, now40() + 1));
        dpki.completeRecovery(org, guardians, r);
        pass(1);
        bytes memory other = recoveryOf(1, alice, address(0));
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NoRecovery.selector, keccak256(other)));
        dpki.completeRecovery(org, guardians, other);
        // Until somebody completes it the old roots are in power.
        write(zone, change(PUT, GRANT, 0, now40() + 60, keccak256("old"), ""));
        Admin[] memory roots = complete(r);
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NoRecovery.selector, keccak256(r)));
        dpki.completeRecovery(org, guardians, r);

        vm.assertEq(roots.length, 2, "roots");
        (uint32 epoch, uint32 count) = dpki.organisationOf(org);
        vm.assertTrue(epoch == 1 && count == 2, "organisationOf");
        refused(abi.encodeWithSelector(IDPKI.NotAdmin.selector, idOf(root)), zone, putOf(GRANT, keccak256("a")));
        refused(
            abi.encodeWithSelector(IDPKI.NotAdmin.selector, idOf(delegated)),
            delegated,
            zone,
            0,
            putOf(GRANT, keccak256("b"))
        );
        // The new roots write; ADMIN needs both; limits of the old ones are gone; the grant is as it was.
        write(roots[0], zone, 0, putOf(GRANT, keccak256("c")));
        write(roots[1], zone, 0, revokeOf(GRANT, S));
        refused(needed(ADMIN, 2), roots[0], org, 0, adminOf(rootOf(alice, org, 0), NEVER));
        refused(needed(LIMIT, 2), roots[0], org, 0, limitOf(GRANT, 1, 60));
    }

    /// @dev Whoever is to be replaced cannot be in the way, whatever he writes before or as the recovery is completed.
    function test_recovery_cannot_be_foreseen() public {
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        pass(TIMELOCK);
        // What the admin's id would be, if its salt were any of what is known before.
        bytes32[4] memory salts_ = [bytes32(0), keccak256(r), dpki.hashOf(org, org), bytes32(salts)];
        for (uint256 i = 0; i < salts_.length; ++i) {
            write(org, revokeOf(ADMIN, idOf(rootOf(bob, org, salts_[i]))));
        }
        write(org, revokeOf(GUARDIAN, keccak256(r)));
        Admin[] memory roots = complete(r);
        write(roots[0], zone, 0, putOf(GRANT, S));
    }

    function test_freeze_does_not_stop_a_recovery() public {
        guard(2, freeze(now40() + 7 days));
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        pass(TIMELOCK);
        refused(frozen(now40() + 5 days), zone, putOf(GRANT, S));
        Admin[] memory roots = complete(r);
        write(roots[0], zone, 0, putOf(GRANT, S));
        // The same guardians cannot freeze those at once.
        refusedGuard(selector(IDPKI.CoolingDown.selector, now40() + 12 days), 3, freeze(now40() + 60));
    }

    function test_veto_once() public {
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        Admin memory delegated = delegate(mallory, org, ALL, ALL, NEVER);
        refused(notAllowed(VETO, GUARDIAN), delegated, org, 0, veto(r));
        bytes memory other = recoveryOf(1, alice, address(0));
        refused(abi.encodeWithSelector(IDPKI.NotVetoable.selector, keccak256(other)), org, veto(other));
        write(org, veto(r));
        refused(abi.encodeWithSelector(IDPKI.NotVetoable.selector, keccak256(r)), org, veto(r));
        pass(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NoRecovery.selector, keccak256(r)));
        dpki.completeRecovery(org, guardians, r);
        // Two are not enough any more. Three are, and cannot be vetoed.
        refusedGuard(needed(GUARDIAN, 3), 2, recover(r));
        guard(3, recover(r));
        refused(abi.encodeWithSelector(IDPKI.NotVetoable.selector, keccak256(r)), org, veto(r));
        // Nor may two replace what three want.
        refusedGuard(needed(GUARDIAN, 3), 2, recover(recoveryOf(1, mallory, address(0))));
        pass(TIMELOCK);
        complete(r);
        // In the new epoch two are enough again, and may be vetoed again.
        guard(2, recover(other));
        (,, bool isFinal, bool isVetoed) = dpki.recoveryOf(org);
        vm.assertTrue(!isFinal && !isVetoed, "a new epoch");
    }

    function test_fewer_do_not_replace_what_all_want() public {
        bytes memory r = recoveryOf(1, bob, address(0));
        bytes memory other = recoveryOf(1, mallory, address(0));
        guard(2, recover(other));
        guard(3, recover(r));
        refusedGuard(needed(GUARDIAN, 3), 2, recover(other));
        pass(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NoRecovery.selector, keccak256(other)));
        dpki.completeRecovery(org, guardians, other);
        complete(r);
    }

    function test_veto_under_a_freeze() public {
        guard(2, freeze(now40() + 7 days));
        bytes memory r = recoveryOf(1, mallory, address(0));
        guard(2, recover(r));
        write(org, veto(r));
    }

    function test_a_veto_is_forgotten_with_new_guardians() public {
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        write(org, veto(r));
        bytes memory next = guardiansOf(TIMELOCK, 2, 3);
        write(org, named(next));
        pass(2 * TIMELOCK);
        guardians = next;
        guard(2, recover(r));
    }

    function test_veto_needs_what_ADMIN_needs() public {
        Admin memory second = rootOf(bob, org, 0);
        write(org, adminOf(second, NEVER));
        write(
            org,
            abi.encodePacked(
                limitOf(ADMIN, 2, NEVER),
                limitOf(GUARDIAN, 2, NEVER),
                limitOf(DISTRUST, 2, NEVER),
                limitOf(POINTER, 2, NEVER),
                limitOf(POLICY, 2, NEVER),
                limitOf(LIMIT, 2, NEVER)
            )
        );
        bytes memory r = recoveryOf(1, mallory, address(0));
        guard(2, recover(r));
        refused(needed(ADMIN, 2), org, veto(r));
        approved(second, one(org, 0, veto(r)));
        (bytes32 id,,,) = dpki.recoveryOf(org);
        vm.assertEq(id, 0, "vetoed");
    }

    /// @dev Writes as root and another admin.
    function approved(Admin memory second, Group[] memory groups) internal {
        bytes32 digest = dpki.digestOf(org, groups, S, NEVER);
        Approval memory first = Approval(root, signature(0xa11ce, digest));
        Approval memory other = Approval(second, signature(0xb0b, digest));
        Approval[] memory approvals = new Approval[](2);
        (approvals[0], approvals[1]) = alice < bob ? (first, other) : (other, first);
        dpki.writeApproved(org, groups, S, NEVER, approvals);
    }

    function test_recoveries_have_a_form() public {
        badRecovery(abi.encode(S, 1));
        badRecovery(abi.encode(S, 0, bob));
        badRecovery(abi.encode(S, 2, bob));
        badRecovery(abi.encode(S, 1, address(0)));
        badRecovery(abi.encode(S, 1, bob, bob));
        badRecovery(abi.encode(S));
        badRecovery(abi.encodePacked(abi.encode(S, 1, bob), uint8(0)));
        bytes memory r = recoveryOf(1, bob, address(0));
        refusedGuard(
            abi.encodeWithSelector(IDPKI.InvalidRecovery.selector, S), 2, change(RECOVER, GUARDIAN, 0, 0, S, r)
        );
        refusedGuard(windowError(0, 1), 2, change(RECOVER, GUARDIAN, 0, 1, keccak256(r), r));
        refusedGuard(windowError(1, 0), 2, change(RECOVER, GUARDIAN, 1, 0, keccak256(r), r));
        refusedGuard(
            abi.encodeWithSelector(IDPKI.DataTooLong.selector, 1), 2, change(FREEZE, GUARDIAN, 0, now40() + 1, 0, "x")
        );
        guard(2, recover(r));
    }

    function badRecovery(bytes memory data) internal {
        refusedGuard(abi.encodeWithSelector(IDPKI.InvalidRecovery.selector, keccak256(data)), 2, recover(data));
    }

    /// @dev Approvals and consents of before are void.
    function test_a_new_epoch_voids_signatures() public {
        Group[] memory groups = one(org, 0, freeze(now40() + 10 days));
        Consent[] memory c = consents(0, 2, groups, S);
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        pass(4 days);
        complete(r);
        attack(selector(IDPKI.InvalidSignature.selector, uint160(vm.addr(keys[0]))), groups, c);
        dpki.writeGuarded(org, guardians, groups, S, NEVER, consents(0, 2, groups, S));
    }

    // --- pointers

    function pointer(uint8 direction, uint40 from, bytes32 subject) internal view returns (bytes memory) {
        return change(PUT, POINTER, from, NEVER, subject, abi.encode(direction, 10, address(dpki), zone));
    }

    function test_a_successor_waits_and_is_vetoed() public {
        uint40 t = now40();
        refused(windowError(t + TIMELOCK - 1, NEVER), org, pointer(1, t + TIMELOCK - 1, S));
        refused(
            windowError(t + TIMELOCK, NEVER - 1),
            org,
            change(PUT, POINTER, t + TIMELOCK, NEVER - 1, S, abi.encode(1, 10, dpki, zone))
        );
        write(org, pointer(1, t + TIMELOCK, S));
        bytes32 other = keccak256("other");
        write(org, pointer(1, t + TIMELOCK, other));
        refusedGuard(needed(GUARDIAN, 2), 1, vetoPointer(S));
        guard(2, vetoPointer(S));
        vm.assertEq(revokedAt(org, POINTER, S), t, "vetoed");
        bytes memory late = abi.encodeWithSelector(IDPKI.NotVetoable.selector, S);
        refusedGuard(late, 2, vetoPointer(S));
        refusedGuard(abi.encodeWithSelector(IDPKI.NotVetoable.selector, zone), 2, vetoPointer(zone));
        vm.warp(t + TIMELOCK);
        refusedGuard(abi.encodeWithSelector(IDPKI.NotVetoable.selector, other), 3, vetoPointer(other));
        vm.assertEq(revokedAt(org, POINTER, other), 0, "in force");
        // The way back needs no time: it grants nothing by itself.
        write(org, pointer(2, 0, keccak256("back")));
    }

    function test_pointers_without_guardians_wait_too() public {
        write(org, named(nobody()));
        pass(2 * TIMELOCK);
        uint40 t = now40();
        refused(windowError(t + 1 hours - 1, NEVER), org, pointer(1, t + 1 hours - 1, S));
        write(org, pointer(1, t + 1 hours, S));
    }

    function test_pointers_have_a_form() public {
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidPointer.selector);
        bytes[8] memory bad = [
            abi.encode(0, 10, dpki, zone),
            abi.encode(3, 10, dpki, zone),
            abi.encode(1, 0, dpki, zone),
            abi.encode(1, uint256(1) << 64, dpki, zone),
            abi.encode(1, 10, 0, zone),
            abi.encode(1, 10, uint256(1) << 160, zone),
            abi.encode(1, 10, dpki, org),
            abi.encode(1, 10, dpki)
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            refused(reason, org, change(PUT, POINTER, now40() + TIMELOCK, NEVER, S, bad[i]));
        }
        refused(reason, org, change(PUT, POINTER, now40() + TIMELOCK, NEVER, S, abi.encode(1, 10, dpki, bytes32(0))));
        write(org, pointer(1, now40() + TIMELOCK, S));
    }

    function test_pointers_need_the_highest_threshold() public {
        Admin memory second = rootOf(bob, org, 0);
        write(org, adminOf(second, NEVER));
        write(org, limitOf(DISTRUST, 2, NEVER));
        refused(needed(POINTER, 2), org, pointer(1, now40() + TIMELOCK, S));
        approved(second, one(org, 0, pointer(1, now40() + TIMELOCK, S)));
    }

    // --- nothing bricks

    /// @dev Whatever a hacked guardian set of g does by freezes, the root admins write half of the time and are rid of it
    /// after twice the timelock and a freeze.
    function test_hacked_guardians_freeze_and_lose() public {
        guard(2, freeze(now40() + 7 days));
        pass(7 days);
        bytes memory next = guardiansOf(1 hours, 2, 2);
        write(org, named(next));
        bytes memory r = recoveryOf(1, mallory, address(0));
        guard(2, recover(r));
        write(org, veto(r));
        refusedGuard(needed(GUARDIAN, 3), 2, recover(r));
        pass(7 days);
        vm.assertEq(inForce(), keccak256(next), "replaced");
    }

    /// @dev A hacked root that names guardians of its own, vetoes, and sets thresholds loses against all guardians.
    function test_a_hacked_root_loses() public {
        write(org, named(abi.encode(S, 1 hours, 1, 1, mallory)));
        bytes memory r = recoveryOf(1, bob, address(0));
        guard(2, recover(r));
        write(org, veto(r));
        for (uint160 i = 1; i < 16; ++i) {
            write(org, adminOf(rootOf(address(i), org, 0), NEVER));
        }
        write(org, bytes.concat(limitOf(GRANT, 1, 1), limitOf(BATCH, 1, 1)));
        write(
            org,
            abi.encodePacked(
                limitOf(ADMIN, 16, 1),
                limitOf(GUARDIAN, 16, 1),
                limitOf(DISTRUST, 16, 1),
                limitOf(POINTER, 16, 1),
                limitOf(POLICY, 16, 1),
                limitOf(LIMIT, 16, 1)
            )
        );
        guard(3, recover(r));
        pass(100 days);
        vm.assertEq(inForce(), keccak256(guardians), "its own are suspended");
        Admin[] memory roots = complete(r);
        write(roots[0], org, 0, adminOf(rootOf(alice, org, keccak256("again")), NEVER));
        write(roots[0], zone, 0, bytes.concat(putOf(GRANT, S), putOf(BATCH, S)));
    }
}
