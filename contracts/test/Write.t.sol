// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Admin, Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";

/// @dev Puts and revokes: what is stored, and each refusal beside what is accepted.
contract WriteTest is BaseTest {
    bytes32 constant S = keccak256("subject");

    function test_put_is_recorded() public {
        write(zone, putOf(GRANT, S));
        (uint40 from, uint40 until, uint40 revoked, uint48 seq, uint32 epoch) = dpki.recordOf(org, zone, GRANT, S);
        vm.assertEq(from, block.timestamp, "from");
        vm.assertEq(until, block.timestamp + 300, "until");
        vm.assertEq(revoked, 0, "revokedAt");
        vm.assertEq(seq, 1, "seq");
        vm.assertEq(epoch, 0, "epoch");
        (uint48 last, uint48 blockNumber, uint40 time) = dpki.tipOf(org, zone);
        vm.assertEq(last, 1, "tip seq");
        vm.assertEq(blockNumber, block.number, "tip block");
        vm.assertEq(time, block.timestamp, "tip time");
    }

    function test_subjects_are_written_once() public {
        write(zone, putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, S), zone, putOf(GRANT, S));
        // The same subject is another one under another kind and in another scope.
        write(zone, putOf(GRANT_PRIV, S));
        write(mailbox, putOf(GRANT, S));
    }

    function test_revocation_is_final() public {
        write(zone, putOf(GRANT, S));
        vm.warp(block.timestamp + 10);
        write(zone, revokeOf(GRANT, S));
        vm.assertEq(revokedAt(zone, GRANT, S), block.timestamp, "revokedAt");
        (, uint40 until,, uint48 seq,) = dpki.recordOf(org, zone, GRANT, S);
        vm.assertEq(until, block.timestamp + 290, "the window stays");
        vm.assertEq(seq, 1, "the sequence stays that of the put");
        refused(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, S), zone, putOf(GRANT, S));
    }

    function test_revoking_the_revoked_writes_nothing() public {
        write(zone, putOf(GRANT, S));
        write(zone, revokeOf(GRANT, S));
        uint40 time = revokedAt(zone, GRANT, S);
        bytes32 h = dpki.hashOf(org, zone);
        vm.warp(block.timestamp + 10);
        vm.roll(block.number + 1);
        vm.recordLogs();
        write(zone, revokeOf(GRANT, S));
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
        vm.assertEq(dpki.hashOf(org, zone), h, "running hash");
        vm.assertEq(revokedAt(zone, GRANT, S), time, "revokedAt");
    }

    function test_revocation_before_the_put() public {
        write(zone, revokeOf(DEVICE, S));
        vm.assertEq(seqOf(zone), 1, "the tombstone is an entry");
        (uint40 from, uint40 until, uint40 revoked, uint48 seq, uint32 epoch) = dpki.recordOf(org, zone, DEVICE, S);
        vm.assertEq(from, 0, "from");
        vm.assertEq(until, 0, "until");
        vm.assertEq(revoked, block.timestamp, "revokedAt");
        vm.assertEq(seq, 1, "seq");
        vm.assertEq(epoch, 0, "epoch");
        refused(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, S), zone, putOf(DEVICE, S));
        write(zone, putOf(DEVICE, keccak256("another")));
    }

    function test_grant_and_revocation_in_one_write() public {
        write(zone, bytes.concat(putOf(GRANT, S), revokeOf(GRANT, S)));
        vm.assertEq(seqOf(zone), 2, "entries");
        vm.assertTrue(revokedAt(zone, GRANT, S) != 0, "revoked");
    }

    function test_windows_of_zones() public {
        uint40 t = now40();
        refused(windowError(t, t), zone, change(PUT, GRANT, t, t, S, ""));
        refused(windowError(0, t), zone, change(PUT, GRANT, 0, t, S, ""));
        refused(windowError(t + 9, t + 9), zone, change(PUT, GRANT, t + 9, t + 9, S, ""));
        refused(windowError(t + 9, t + 8), zone, change(PUT, GRANT, t + 9, t + 8, S, ""));
        refused(windowError(0, t + 400 days + 1), zone, change(PUT, GRANT, 0, t + 400 days + 1, S, ""));
        refused(windowError(0, NEVER), zone, change(PUT, GRANT, 0, NEVER, S, ""));
        refused(windowError(0, 0), zone, change(PUT, GRANT, 0, 0, S, ""));
        write(zone, change(PUT, GRANT, 0, t + 1, S, ""));
        write(zone, change(PUT, GRANT, t + 9, t + 10, keccak256("2"), ""));
        write(zone, change(PUT, GRANT, 0, t + 400 days, keccak256("3"), ""));
    }

    function test_windows_of_the_organisation() public {
        uint40 t = now40();
        refused(windowError(0, t), org, change(PUT, ZONE, 0, t, S, ""));
        refused(windowError(NEVER, NEVER), org, change(PUT, ZONE, NEVER, NEVER, S, ""));
        write(org, change(PUT, ZONE, 0, NEVER, S, ""));
        write(org, change(PUT, ZONE, t + 500 days, t + 1000 days, keccak256("2"), ""));
    }

    function test_revocations_have_no_window() public {
        refused(windowError(0, 1), zone, change(REVOKE, GRANT, 0, 1, S, ""));
        refused(windowError(1, 0), zone, change(REVOKE, GRANT, 1, 0, S, ""));
        write(zone, revokeOf(GRANT, S));
    }

    function test_kinds() public {
        refused(abi.encodeWithSelector(IDPKI.UnknownKind.selector, uint8(96)), zone, putOf(96, S));
        refused(abi.encodeWithSelector(IDPKI.UnknownKind.selector, uint8(255)), zone, putOf(255, S));
        refused(abi.encodeWithSelector(IDPKI.UnknownKind.selector, uint8(96)), zone, revokeOf(96, S));
        write(zone, putOf(95, S));
        write(zone, putOf(16, S));
        write(zone, revokeOf(95, keccak256("2")));
    }

    function test_kinds_of_the_organisation() public {
        for (uint8 kind = 0; kind < 16; ++kind) {
            bytes memory reason = abi.encodeWithSelector(IDPKI.OrganisationScopeOnly.selector, kind);
            refused(reason, zone, putOf(kind, S));
            refused(reason, zone, revokeOf(kind, S));
        }
        write(org, putOf(0, S));
        write(org, putOf(15, S));
        write(org, revokeOf(7, S));
        write(org, putOf(POLICY, S));
    }

    function test_actions() public {
        for (uint8 action = 0; action < 20; ++action) {
            if (action == PUT || action == REVOKE) continue;
            bytes memory c = change(action, GRANT, now40(), now40() + 300, S, "");
            // From freeze to veto they are not an admin's; complete is nobody's to write.
            bytes memory reason = action < 3 || action > 5
                ? abi.encodeWithSelector(IDPKI.UnknownAction.selector, action)
                : abi.encodeWithSelector(IDPKI.NotAllowed.selector, action, GRANT);
            refused(reason, zone, c);
        }
        write(zone, putOf(GRANT, S));
    }

    function test_data_length() public {
        bytes memory c = change(PUT, GRANT, 0, now40() + 1, S, new bytes(1025));
        refused(abi.encodeWithSelector(IDPKI.DataTooLong.selector, 1025), zone, c);
        write(zone, change(PUT, GRANT, 0, now40() + 1, S, new bytes(1024)));
        write(zone, change(PUT, GRANT, 0, now40() + 1, keccak256("2"), ""));
    }

    /// @dev Every proper prefix of a write is refused or is shorter by whole changes.
    function test_changes_that_end_early() public {
        bytes memory two = bytes.concat(putOf(GRANT, S), putOf(GRANT, keccak256("2")));
        uint256 whole = putOf(GRANT, S).length;
        bool accepted = false;
        for (uint256 length = 1; length < two.length; ++length) {
            bytes memory part = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                part[i] = two[i];
            }
            vm.prank(alice);
            (bool ok,) = address(dpki).call(abi.encodeCall(IDPKI.write, (org, root, one(zone, 0, part))));
            vm.assertTrue(ok == (length == whole), "accepted a part of a change");
            accepted = accepted || ok;
        }
        vm.assertTrue(accepted, "the whole change was refused");
        bytes memory trailing = bytes.concat(putOf(GRANT, keccak256("3")), hex"00");
        vm.prank(alice);
        (accepted,) = address(dpki).call(abi.encodeCall(IDPKI.write, (org, root, one(zone, 0, trailing))));
        vm.assertTrue(!accepted, "accepted a trailing byte");
        // Cut in the data, where nothing else is wrong.
        bytes memory cut = bytes.concat(putOf(GRANT, keccak256("3")));
        assembly {
            mstore(cut, sub(mload(cut), 1))
        }
        refused(abi.encodeWithSelector(IDPKI.MalformedChanges.selector), zone, cut);
        write(zone, putOf(GRANT, keccak256("3")));
    }

    function test_all_or_nothing() public {
        Group[] memory groups = new Group[](2);
        groups[0] = Group(zone, 0, putOf(GRANT, S));
        groups[1] = Group(mailbox, 0, bytes.concat(putOf(GRANT, S), putOf(GRANT, S)));
        vm.expectRevert(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, S));
        vm.prank(alice);
        dpki.write(org, root, groups);
        vm.assertEq(seqOf(zone), 0, "the zone's entry stayed");
        groups[1].changes = putOf(GRANT, S);
        vm.prank(alice);
        dpki.write(org, root, groups);
        vm.assertEq(seqOf(zone), 1, "zone");
        vm.assertEq(seqOf(mailbox), 1, "mailbox");
    }

    function test_organisations_are_created_once() public {
        vm.expectRevert(abi.encodeWithSelector(IDPKI.OrganisationExists.selector, org));
        create(alice, bytes32(uint256(7)));
        // Equal salts of different creators are different organisations.
        bytes32 other = create(bob, bytes32(uint256(7)));
        vm.assertTrue(other != org, "organisations");
        vm.assertTrue(dpki.hashOf(org, zone) != dpki.hashOf(other, zone), "h0 of two organisations");
    }

    function test_an_admin_of_one_organisation_is_nobody_in_another() public {
        bytes32 salt = bytes32(uint256(7));
        bytes32 other = create(mallory, salt);
        Admin memory m = rootOf(mallory, other, salt);
        vm.prank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IDPKI.NotAdmin.selector, idOf(m)));
        dpki.write(org, m, one(zone, 0, putOf(GRANT, S)));
        vm.prank(mallory);
        dpki.write(other, m, one(zone, 0, putOf(GRANT, S)));
        vm.assertEq(seqOf(zone), 0, "the first organisation's log");
    }

    function testFuzz_put_then_revoke(uint8 kind, bytes32 subject, uint40 length, uint16 size) public {
        kind = 16 + kind % 80;
        length = uint40(1 + length % 400 days);
        bytes memory data = new bytes(size % 1025);
        uint40 t = now40();
        write(zone, change(PUT, kind, t, t + length, subject, data));
        (uint40 from, uint40 until,,,) = dpki.recordOf(org, zone, kind, subject);
        vm.assertEq(from, t, "from");
        vm.assertEq(until, t + length, "until");
        vm.warp(t + length / 2);
        write(zone, revokeOf(kind, subject));
        vm.assertEq(revokedAt(zone, kind, subject), block.timestamp, "revokedAt");
        refused(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, subject), zone, putOf(kind, subject));
    }

    /// @dev Arbitrary bytes as changes never break what stands: refused, or entries that the hash covers.
    function testFuzz_garbage(bytes calldata garbage) public {
        bytes32 h = dpki.hashOf(org, zone);
        vm.prank(alice);
        (bool ok,) = address(dpki).call(abi.encodeCall(IDPKI.write, (org, root, one(zone, 0, garbage))));
        if (!ok || garbage.length == 0) vm.assertEq(dpki.hashOf(org, zone), h, "a refused write changed the hash");
        else vm.assertTrue(seqOf(zone) > 0, "accepted, and nothing written");
    }
}
