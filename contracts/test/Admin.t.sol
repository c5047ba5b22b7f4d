// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Admin, Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";

/// @dev Who may write what: each attack beside its accepted twin.
contract AdminTest is BaseTest {
    bytes32 constant S = keccak256("subject");

    function notAdmin(Admin memory a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDPKI.NotAdmin.selector, idOf(a));
    }

    function test_the_creator_is_root() public view {
        (uint40 from, uint40 until, uint40 revoked, uint48 seq,) = dpki.recordOf(org, org, ADMIN, idOf(root));
        vm.assertEq(from, 0, "from");
        vm.assertEq(until, NEVER, "until");
        vm.assertEq(revoked, 0, "revokedAt");
        vm.assertEq(seq, 1, "seq");
        vm.assertEq(rootsOf(org), 1, "roots");
    }

    function test_strangers() public {
        // Somebody else's admin, shown by a stranger.
        vm.expectRevert(notAdmin(root));
        vm.prank(mallory);
        dpki.write(org, root, one(zone, 0, putOf(GRANT, S)));
        // An admin that nobody has made, also as a root.
        refused(notAdmin(rootOf(mallory, org, 0)), rootOf(mallory, org, 0), zone, 0, putOf(GRANT, S));
        // The root admin with another account in it.
        Admin memory a = rootOf(mallory, org, root.salt);
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, S));
        write(zone, putOf(GRANT, S));
    }

    function test_nobody_is_admin_of_an_organisation_that_does_not_exist() public {
        Admin memory a = rootOf(alice, S, 0);
        vm.expectRevert(notAdmin(a));
        vm.prank(alice);
        dpki.write(S, a, one(S, 0, putOf(GRANT, S)));
    }

    /// @dev Words out of their types' ranges are refused, and not masked to an admin that exists.
    function test_dirty_words() public {
        for (uint256 i = 0; i < 5; ++i) {
            if (i == 1) continue;
            bytes memory call = abi.encodeCall(IDPKI.write, (org, root, one(zone, 0, putOf(GRANT, S))));
            call[4 + 32 + 32 * i] = 0x01;
            vm.prank(alice);
            (bool dirty,) = address(dpki).call(call);
            vm.assertTrue(!dirty, "accepted a dirty word");
        }
        write(zone, putOf(GRANT, S));
    }

    function test_masks() public {
        Admin memory a = delegate(bob, zone, bit(GRANT), bit(DEVICE), now40() + 1 days);
        refused(abi.encodeWithSelector(IDPKI.NotAllowed.selector, PUT, DEVICE), a, zone, 0, putOf(DEVICE, S));
        refused(abi.encodeWithSelector(IDPKI.NotAllowed.selector, PUT, GRANT_PRIV), a, zone, 0, putOf(GRANT_PRIV, S));
        refused(abi.encodeWithSelector(IDPKI.NotAllowed.selector, REVOKE, GRANT), a, zone, 0, revokeOf(GRANT, S));
        write(a, zone, 0, putOf(GRANT, S));
        write(a, zone, 0, revokeOf(DEVICE, S));
    }

    function test_revoking_the_revoked_needs_the_power_too() public {
        Admin memory a = delegate(bob, zone, bit(GRANT), 0, now40() + 1 days);
        write(zone, revokeOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.NotAllowed.selector, REVOKE, GRANT), a, zone, 0, revokeOf(GRANT, S));
        write(zone, revokeOf(GRANT, S));
    }

    function test_zone_power_reaches_its_mailboxes_by_salt() public {
        Admin memory a = delegate(bob, zone, ALL, ALL, now40() + 1 days);
        write(a, mailbox, commitment, putOf(GRANT, S));
        write(a, zone, 0, putOf(GRANT, S));
        bytes memory out = abi.encodeWithSelector(IDPKI.OutOfReach.selector, mailbox);
        refused(out, a, mailbox, 0, putOf(GRANT, S));
        refused(out, a, mailbox, keccak256("another"), putOf(GRANT, S));
        // Another zone, a mailbox of another zone, the organisation.
        bytes32 zone2 = keccak256(abi.encode(bytes32("Z"), org, bytes32(uint256(2))));
        bytes32 mailbox2 = keccak256(abi.encode(bytes32("D"), zone2, commitment));
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, zone2), a, zone2, 0, putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, mailbox2), a, mailbox2, commitment, putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, org), a, org, 0, putOf(ZONE, S));
    }

    function test_mailbox_power_reaches_nothing_else() public {
        Admin memory a = delegate(bob, mailbox, ALL, ALL, now40() + 1 days);
        write(a, mailbox, 0, putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, zone), a, zone, 0, putOf(GRANT, S));
    }

    function test_every_group_is_checked() public {
        Admin memory a = delegate(bob, mailbox, ALL, ALL, now40() + 1 days);
        Group[] memory groups = new Group[](2);
        groups[0] = Group(mailbox, 0, putOf(GRANT, S));
        groups[1] = Group(zone, 0, putOf(GRANT, S));
        vm.expectRevert(abi.encodeWithSelector(IDPKI.OutOfReach.selector, zone));
        vm.prank(bob);
        dpki.write(org, a, groups);
    }

    function test_admins_expire_and_begin() public {
        uint40 t = now40();
        Admin memory a = Admin(bob, zone, ALL, ALL, 0, 0);
        write(org, change(PUT, ADMIN, t + 100, t + 200, idOf(a), abi.encode(a)));
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, S));
        vm.warp(t + 99);
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, S));
        vm.warp(t + 100);
        write(a, zone, 0, putOf(GRANT, S));
        vm.warp(t + 199);
        write(a, zone, 0, putOf(GRANT, keccak256("2")));
        vm.warp(t + 200);
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, keccak256("3")));
    }

    function test_a_revoked_admin_is_nobody() public {
        Admin memory a = delegate(bob, zone, ALL, ALL, now40() + 1 days);
        write(a, zone, 0, putOf(GRANT, S));
        write(org, revokeOf(ADMIN, idOf(a)));
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, keccak256("2")));
        // With another salt the same account comes back.
        a.salt = keccak256("again");
        write(org, adminOf(a, now40() + 1 days));
        write(a, zone, 0, putOf(GRANT, keccak256("2")));
    }

    function test_an_admin_revoked_before_it_was_made_is_nobody() public {
        Admin memory a = Admin(bob, zone, ALL, ALL, 0, 0);
        write(org, revokeOf(ADMIN, idOf(a)));
        refused(notAdmin(a), a, zone, 0, putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.SubjectUsed.selector, idOf(a)), org, adminOf(a, now40() + 1 days));
    }

    function test_the_data_of_an_admin() public {
        Admin memory a = Admin(bob, zone, ALL, ALL, 0, 0);
        bytes memory good = abi.encode(a);
        bytes32 id = idOf(a);
        uint40 until = now40() + 1 days;
        // The subject is not the hash.
        refused(abi.encodeWithSelector(IDPKI.InvalidAdmin.selector, S), org, change(PUT, ADMIN, 0, until, S, good));
        // Too long, too short, empty.
        bytes[3] memory lengths = [bytes.concat(good, hex"00"), new bytes(191), new bytes(0)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 h = keccak256(lengths[i]);
            bytes memory c = change(PUT, ADMIN, 0, until, h, lengths[i]);
            refused(abi.encodeWithSelector(IDPKI.InvalidAdmin.selector, h), org, c);
        }
        // Words out of range, the zero account, no power, unknown flags.
        for (uint256 i = 0; i < 8; ++i) {
            bytes memory bad = abi.encode(a);
            if (i < 5 && i != 1) bad[32 * i] = 0x01;
            else if (i == 1) (, bad) = (0, abi.encode(Admin(bob, 0, ALL, ALL, 0, 0)));
            else if (i == 5) bad = abi.encode(Admin(address(0), zone, ALL, ALL, 0, 0));
            else if (i == 6) bad = abi.encode(Admin(bob, zone, ALL, ALL, 2, 0));
            else bad = abi.encode(Admin(bob, zone, ALL, ALL, 3, 0));
            bytes32 h = keccak256(bad);
            refused(abi.encodeWithSelector(IDPKI.InvalidAdmin.selector, h), org, change(PUT, ADMIN, 0, until, h, bad));
        }
        write(org, change(PUT, ADMIN, 0, until, id, good));
        write(a, zone, 0, putOf(GRANT, S));
    }

    function test_the_shape_of_a_root() public {
        uint40 t = now40();
        Admin[3] memory bad = [rootOf(bob, zone, 0), rootOf(bob, org, 0), rootOf(bob, org, 0)];
        bad[1].putMask = ALL - 1;
        bad[2].revokeMask = ALL >> 1;
        for (uint256 i = 0; i < bad.length; ++i) {
            refused(abi.encodeWithSelector(IDPKI.InvalidAdmin.selector, idOf(bad[i])), org, adminOf(bad[i], NEVER));
        }
        Admin memory a = rootOf(bob, org, 0);
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidAdmin.selector, idOf(a));
        refused(reason, org, adminOf(a, NEVER - 1));
        refused(reason, org, change(PUT, ADMIN, t + 1, NEVER, idOf(a), abi.encode(a)));
        write(org, change(PUT, ADMIN, t, NEVER, idOf(a), abi.encode(a)));
        vm.assertEq(rootsOf(org), 2, "roots");
    }

    function test_a_delegated_admin_makes_less_than_itself() public {
        uint40 until = now40() + 1 days;
        Admin memory maker = delegate(bob, org, bit(ADMIN) | bit(GRANT), bit(ADMIN) | bit(DEVICE), until);
        Admin memory a = Admin(mallory, zone, bit(GRANT), bit(DEVICE), 0, 0);
        Admin memory more = Admin(mallory, zone, bit(GRANT_PRIV), 0, 0, 0);
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(more)), maker, org, 0, adminOf(more, until));
        more = Admin(mallory, zone, 0, bit(GRANT), 0, 0);
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(more)), maker, org, 0, adminOf(more, until));
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(a)), maker, org, 0, adminOf(a, until + 1));
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(a)), maker, org, 0, adminOf(a, NEVER));
        Admin memory r = rootOf(mallory, org, 0);
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(r)), maker, org, 0, adminOf(r, NEVER));
        write(maker, org, 0, adminOf(a, until));
        write(a, zone, 0, putOf(GRANT, S));
        // A zone's power does not make admins at all, whatever its masks.
        Admin memory z = delegate(bob, zone, ALL, ALL, until);
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, org), z, org, 0, adminOf(more, until));
    }

    function test_all_masks_are_not_root() public {
        uint40 until = now40() + 1 days;
        Admin memory a = delegate(bob, org, ALL, ALL, until);
        Admin memory r = rootOf(mallory, org, 0);
        refused(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(r)), a, org, 0, adminOf(r, NEVER));
        Admin memory second = rootOf(mallory, org, 0);
        write(org, adminOf(second, NEVER));
        bytes memory reason = abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(second));
        refused(reason, a, org, 0, revokeOf(ADMIN, idOf(second)));
        write(org, revokeOf(ADMIN, idOf(second)));
    }

    function test_the_last_root_stays() public {
        bytes memory reason = abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(root));
        refused(reason, org, revokeOf(ADMIN, idOf(root)));
        Admin memory second = rootOf(bob, org, 0);
        write(org, adminOf(second, NEVER));
        write(second, org, 0, revokeOf(ADMIN, idOf(root)));
        vm.assertEq(rootsOf(org), 1, "roots");
        refused(notAdmin(root), zone, putOf(GRANT, S));
        // Revoking what is revoked does not count again.
        write(second, org, 0, revokeOf(ADMIN, idOf(root)));
        vm.assertEq(rootsOf(org), 1, "roots after revoking the revoked");
        refused(
            abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(second)),
            second,
            org,
            0,
            revokeOf(ADMIN, idOf(second))
        );
    }

    function test_both_roots_in_one_write() public {
        Admin memory second = rootOf(bob, org, 0);
        write(org, adminOf(second, NEVER));
        bytes memory both = bytes.concat(revokeOf(ADMIN, idOf(second)), revokeOf(ADMIN, idOf(root)));
        refused(abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(root)), org, both);
        vm.assertEq(rootsOf(org), 2, "roots");
    }

    function test_an_account_is_root_once() public {
        Admin memory twin = rootOf(alice, org, keccak256("another salt"));
        refused(abi.encodeWithSelector(IDPKI.RootExists.selector, alice), org, adminOf(twin, NEVER));
        Admin memory second = rootOf(bob, org, 0);
        write(org, adminOf(second, NEVER));
        write(second, org, 0, revokeOf(ADMIN, idOf(root)));
        write(second, org, 0, adminOf(twin, NEVER));
        vm.assertEq(rootsOf(org), 2, "roots");
        write(twin, zone, 0, putOf(GRANT, S));
    }

    /// @dev Epochs come with recovery, in another version of the writer. What is stored is ready: of an older epoch, an
    /// admin is nobody.
    function test_an_older_epoch_is_void() public {
        bytes32 slot = keccak256(abi.encode(org, uint256(2)));
        bytes32 word = vm.load(address(dpki), slot);
        vm.assertEq(uint32(uint256(word)), 0, "epoch");
        vm.store(address(dpki), slot, bytes32(uint256(word) + 1));
        refused(notAdmin(root), zone, putOf(GRANT, S));
        vm.store(address(dpki), slot, word);
        write(zone, putOf(GRANT, S));
    }

    function testFuzz_subset(uint96 putMask, uint96 revokeMask, uint96 put, uint96 revoke, uint40 later) public {
        putMask |= bit(ADMIN);
        uint40 until = now40() + 1 days;
        Admin memory maker = delegate(bob, org, putMask, revokeMask, until);
        Admin memory a = Admin(mallory, zone, put, revoke, 0, 0);
        uint40 end = until - 10 + later % 20;
        bool subset = put & ~putMask == 0 && revoke & ~revokeMask == 0 && end <= until;
        if (!subset) vm.expectRevert(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(a)));
        vm.prank(bob);
        dpki.write(org, maker, one(org, 0, adminOf(a, end)));
        Admin memory within = Admin(mallory, zone, put & putMask, revoke & revokeMask, 0, keccak256("within"));
        write(maker, org, 0, adminOf(within, until));
    }
}
