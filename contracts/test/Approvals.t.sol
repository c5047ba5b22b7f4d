// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Admin, Approval, Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";
import {Replay, emptyHash} from "./Replay.sol";

/// @dev A wallet that is a contract: it accepts what it was told to.
contract Wallet {
    mapping(bytes32 => bool) accepted;

    function accept(bytes32 digest) external {
        accepted[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return accepted[digest] ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @dev m-of-n: each attack beside its accepted twin.
contract ApprovalsTest is BaseTest {
    bytes32 constant S = keccak256("subject");
    bytes32 constant NONCE = keccak256("nonce");
    uint40 deadline;
    uint256[] keys;
    Admin[] roots;

    function setUp() public override {
        super.setUp();
        deadline = now40() + 1 hours;
        // Three root admins, by ascending account.
        keys = [uint256(0xa11ce), 0xb0b, 0xca401];
        sort(keys);
        for (uint256 i = 0; i < keys.length; ++i) {
            address account = vm.addr(keys[i]);
            Admin memory a = rootOf(account, org, root.salt);
            if (account != alice) write(org, adminOf(a, NEVER));
            roots.push(a);
        }
    }

    /// @dev The first `count` roots' approvals.
    function approve(uint256 count, Group[] memory groups, bytes32 nonce, uint40 until)
        internal
        view
        returns (Approval[] memory approvals)
    {
        bytes32 digest = dpki.digestOf(org, groups, nonce, until);
        approvals = new Approval[](count);
        for (uint256 i = 0; i < count; ++i) {
            approvals[i] = Approval(roots[i], signature(keys[i], digest));
        }
    }

    function send(Group[] memory groups, Approval[] memory approvals) internal {
        vm.prank(mallory);
        dpki.writeApproved(org, groups, NONCE, deadline, approvals);
    }

    /// @dev Its arguments are ready before forge waits for the refusal.
    function refusedSend(bytes memory reason, Group[] memory groups, Approval[] memory approvals) internal {
        vm.expectRevert(reason);
        send(groups, approvals);
    }

    function sendApproved(uint256 count, bytes32 scope, bytes memory changes) internal {
        Group[] memory groups = one(scope, 0, changes);
        send(groups, approve(count, groups, NONCE, deadline));
    }

    function refusedApproved(bytes memory reason, uint256 count, bytes32 scope, bytes memory changes) internal {
        Group[] memory groups = one(scope, 0, changes);
        Approval[] memory approvals = approve(count, groups, NONCE, deadline);
        refusedSend(reason, groups, approvals);
    }

    /// @dev Two approvals for every kind that decides over others, and for GRANT.
    function needTwo() internal {
        bytes memory c;
        uint8[7] memory kinds = [ADMIN, GUARDIAN, DISTRUST, POINTER, POLICY, GRANT, LIMIT];
        for (uint256 i = 0; i < kinds.length - 2; ++i) {
            c = bytes.concat(c, limitOf(kinds[i], 2, NEVER));
        }
        // GRANT cannot need more than LIMIT does: LIMIT first, and from then on two must approve.
        write(org, bytes.concat(c, limitOf(LIMIT, 2, NEVER)));
        sendApproved(2, org, limitOf(GRANT, 2, NEVER));
    }

    /// @dev GRANT's limit is kept beside GRANT_PRIV's: neither is the other's.
    function test_one_of_two_neighbours_needs_two() public {
        write(org, limitOf(GRANT_PRIV, 1, 60));
        needTwo();
        uint40 t = now40();
        refused(needed(GRANT), zone, putOf(GRANT, S));
        refused(needed(GRANT), zone, revokeOf(GRANT, S));
        refused(windowError(t, t + 61), zone, change(PUT, GRANT_PRIV, t, t + 61, S, ""));
        write(zone, change(PUT, GRANT_PRIV, t, t + 60, S, ""));
        (uint8 approvals, uint40 longest) = dpki.limitOf(org, GRANT);
        vm.assertTrue(approvals == 2 && longest == NEVER, "GRANT");
        (approvals, longest) = dpki.limitOf(org, GRANT_PRIV);
        vm.assertTrue(approvals == 1 && longest == 60, "GRANT_PRIV");
        sendApproved(2, zone, putOf(GRANT, S));
    }

    function needed(uint8 kind) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, kind, uint8(2));
    }

    function test_authors_are_the_approvers() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        vm.recordLogs();
        send(groups, approve(3, groups, NONCE, deadline));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (,, address[] memory authors,) = abi.decode(logs[0].data, (bytes32, bytes32, address[], bytes));
        vm.assertEq(authors.length, 3, "authors");
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertTrue(authors[i] == vm.addr(keys[i]), "author");
        }
        Replay memory r = Replay(emptyHash(address(dpki), org, zone), 0, 0);
        r.next(logs[0]);
        vm.assertEq(r.h, dpki.hashOf(org, zone), "running hash");
    }

    function test_digest_is_eip712() public view {
        Group[] memory groups = one(zone, commitment, putOf(GRANT, S));
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("DPKI"),
                keccak256("1"),
                block.chainid,
                address(dpki)
            )
        );
        bytes32 group = keccak256(
            abi.encode(
                keccak256("Group(bytes32 scope,bytes32 salt,bytes changes)"),
                zone,
                commitment,
                keccak256(groups[0].changes)
            )
        );
        bytes32 content = keccak256(
            abi.encode(
                keccak256(
                    "Write(bytes32 org,uint32 epoch,Group[] groups,bytes32 nonce,uint40 deadline)Group(bytes32 scope,bytes32 salt,bytes changes)"
                ),
                org,
                uint32(0),
                keccak256(abi.encode(group)),
                NONCE,
                deadline
            )
        );
        bytes32 want = keccak256(abi.encodePacked(hex"1901", domain, content));
        vm.assertEq(dpki.digestOf(org, groups, NONCE, deadline), want, "digest");
    }

    function test_a_kind_that_needs_two() public {
        needTwo();
        bytes memory reason = abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, GRANT, 2);
        refused(reason, zone, putOf(GRANT, S));
        refused(reason, zone, revokeOf(GRANT, S));
        refusedApproved(reason, 1, zone, putOf(GRANT, S));
        sendApproved(2, zone, putOf(GRANT, S));
        // Other kinds still need one.
        write(zone, putOf(DEVICE, S));
        // And who may write alone cannot lower the limit.
        refused(abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, LIMIT, 2), org, limitOf(GRANT, 1, NEVER));
        refused(
            abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, ADMIN, 2),
            org,
            adminOf(rootOf(mallory, org, 0), NEVER)
        );
        refused(abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, ADMIN, 2), org, revokeOf(ADMIN, idOf(roots[2])));
    }

    function test_every_kind_of_a_write_counts() public {
        needTwo();
        bytes memory both = bytes.concat(putOf(DEVICE, S), putOf(GRANT, S));
        refused(abi.encodeWithSelector(IDPKI.ApprovalsNeeded.selector, GRANT, 2), zone, both);
        sendApproved(2, zone, both);
    }

    function test_thresholds_keep_their_order() public {
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidThreshold.selector, GRANT, 2);
        refused(reason, org, limitOf(GRANT, 2, NEVER));
        uint8[6] memory strong = [ADMIN, GUARDIAN, DISTRUST, POINTER, POLICY, LIMIT];
        // All but one of the strong kinds are not enough.
        for (uint256 left = 0; left < strong.length; ++left) {
            bytes memory c;
            for (uint256 i = 0; i < strong.length; ++i) {
                if (i != left) c = bytes.concat(c, limitOf(strong[i], 2, NEVER));
            }
            if (left == strong.length - 1) refused(reason, org, bytes.concat(c, limitOf(GRANT, 2, NEVER)));
        }
        needTwo();
        // Lowering a strong kind below the others is refused, together with the others it is not.
        refusedApproved(
            abi.encodeWithSelector(IDPKI.InvalidThreshold.selector, POLICY, 1), 2, org, limitOf(POLICY, 1, NEVER)
        );
        sendApproved(2, org, bytes.concat(limitOf(GRANT, 1, 60), limitOf(POLICY, 1, 60)));
    }

    function test_no_more_approvals_than_roots() public {
        refused(abi.encodeWithSelector(IDPKI.InvalidThreshold.selector, ADMIN, 4), org, limitOf(ADMIN, 4, NEVER));
        write(org, limitOf(ADMIN, 3, NEVER));
        refusedApproved(
            abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(roots[0])),
            3,
            org,
            revokeOf(ADMIN, idOf(roots[0]))
        );
        sendApproved(3, org, limitOf(ADMIN, 2, NEVER));
        sendApproved(2, org, revokeOf(ADMIN, idOf(roots[2])));
        vm.assertEq(rootsOf(org), 2, "roots");
    }

    function test_order_of_signers() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory a = approve(2, groups, NONCE, deadline);
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidApprovals.selector);
        (a[0], a[1]) = (a[1], a[0]);
        refusedSend(reason, groups, a);
        // One signer twice.
        a[0] = a[1];
        refusedSend(reason, groups, a);
        refusedSend(reason, groups, new Approval[](0));
        refusedSend(reason, groups, new Approval[](17));
        send(groups, approve(2, groups, NONCE, deadline));
    }

    function test_at_most_sixteen() public {
        uint256[] memory many_ = new uint256[](17);
        for (uint256 i = 0; i < 17; ++i) {
            many_[i] = 0x1000 + i;
            for (uint256 j = i; j > 0 && vm.addr(many_[j]) < vm.addr(many_[j - 1]); --j) {
                (many_[j], many_[j - 1]) = (many_[j - 1], many_[j]);
            }
        }
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        bytes32 digest = dpki.digestOf(org, groups, NONCE, deadline);
        Approval[] memory a = new Approval[](17);
        for (uint256 i = 0; i < 17; ++i) {
            Admin memory d = Admin(vm.addr(many_[i]), zone, bit(GRANT), 0, 0, 0);
            write(org, adminOf(d, now40() + 1 days));
            a[i] = Approval(d, signature(many_[i], digest));
        }
        refusedSend(abi.encodeWithSelector(IDPKI.InvalidApprovals.selector), groups, a);
        Approval[] memory sixteen = new Approval[](16);
        for (uint256 i = 0; i < 16; ++i) {
            sixteen[i] = a[i];
        }
        send(groups, sixteen);
        vm.assertEq(seqOf(zone), 1, "entries");
    }

    function test_signatures() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        bytes32 digest = dpki.digestOf(org, groups, NONCE, deadline);
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidSignature.selector, roots[1].account);
        bytes[6] memory bad = [
            signature(keys[0], digest),
            signature(0xbad, digest),
            signature(keys[1], keccak256("another write")),
            bytes(""),
            new bytes(65),
            bytes.concat(signature(keys[1], digest), hex"00")
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            Approval[] memory a = approve(2, groups, NONCE, deadline);
            a[1].signature = bad[i];
            refusedSend(reason, groups, a);
        }
        // Every bit of a signature matters: flip one of each byte.
        for (uint256 i = 0; i < 65; ++i) {
            Approval[] memory a = approve(2, groups, NONCE, deadline);
            a[1].signature[i] ^= 0x04;
            vm.prank(mallory);
            (bool ok,) = address(dpki).call(abi.encodeCall(IDPKI.writeApproved, (org, groups, NONCE, deadline, a)));
            vm.assertTrue(!ok, "accepted a flipped bit");
        }
        send(groups, approve(2, groups, NONCE, deadline));
    }

    function test_what_was_signed_is_what_is_written() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory a = approve(2, groups, NONCE, deadline);
        bytes memory reason = abi.encodeWithSelector(IDPKI.InvalidSignature.selector, roots[0].account);
        refusedSend(reason, one(mailbox, 0, putOf(GRANT, S)), a);
        refusedSend(reason, one(zone, 0, putOf(GRANT_PRIV, S)), a);
        refusedSend(reason, one(zone, commitment, putOf(GRANT, S)), a);
        vm.expectRevert(reason);
        dpki.writeApproved(org, groups, keccak256("another nonce"), deadline, a);
        vm.expectRevert(reason);
        dpki.writeApproved(org, groups, NONCE, deadline + 1, a);
        vm.chainId(block.chainid + 1);
        refusedSend(reason, groups, a);
        vm.chainId(block.chainid - 1);
        send(groups, a);
    }

    function test_once() public {
        Group[] memory groups = one(zone, 0, revokeOf(GRANT, S));
        Approval[] memory a = approve(2, groups, NONCE, deadline);
        bytes32 digest = dpki.digestOf(org, groups, NONCE, deadline);
        vm.assertTrue(!dpki.isWritten(digest), "written before");
        send(groups, a);
        vm.assertTrue(dpki.isWritten(digest), "not written after");
        refusedSend(abi.encodeWithSelector(IDPKI.AlreadyWritten.selector, digest), groups, a);
        // With one approval more it is still the same write.
        refusedSend(
            abi.encodeWithSelector(IDPKI.AlreadyWritten.selector, digest), groups, approve(3, groups, NONCE, deadline)
        );
        bytes32 nonce = keccak256("another nonce");
        dpki.writeApproved(org, groups, nonce, deadline, approve(2, groups, nonce, deadline));
    }

    function test_deadline() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory a = approve(2, groups, NONCE, deadline);
        vm.warp(deadline + 1);
        refusedSend(abi.encodeWithSelector(IDPKI.DeadlinePassed.selector, deadline), groups, a);
        vm.warp(deadline - 300);
        groups = one(zone, 0, putOf(GRANT, S));
        a = approve(2, groups, NONCE, deadline);
        vm.warp(deadline - 1);
        send(groups, a);
    }

    function test_an_older_epochs_approvals() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        bytes32 digest = dpki.digestOf(org, groups, NONCE, deadline);
        bytes32 slot = keccak256(abi.encode(org, uint256(2)));
        bytes32 word = vm.load(address(dpki), slot);
        vm.store(address(dpki), slot, bytes32(uint256(word) + 1));
        vm.assertTrue(dpki.digestOf(org, groups, NONCE, deadline) != digest, "the epoch is not signed");
    }

    function test_a_revoked_approver() public {
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory a = approve(2, groups, NONCE, deadline);
        Admin memory third = roots[2];
        write(third, org, 0, revokeOf(ADMIN, idOf(roots[0])));
        refusedSend(abi.encodeWithSelector(IDPKI.NotAdmin.selector, idOf(roots[0])), groups, a);
    }

    /// @dev A delegated admin's approval does not lend it what it has not.
    function test_each_approver_needs_the_power() public {
        address account = vm.addr(0xde1e);
        Admin memory d = Admin(account, zone, bit(GRANT), 0, 0, 0);
        write(org, adminOf(d, now40() + 1 days));
        Group[] memory groups = one(mailbox, commitment, putOf(GRANT_PRIV, S));
        refusedSend(abi.encodeWithSelector(IDPKI.NotAllowed.selector, PUT, GRANT_PRIV), groups, with(d, 0xde1e, groups));
        groups = one(org, 0, putOf(ZONE, S));
        refusedSend(abi.encodeWithSelector(IDPKI.OutOfReach.selector, org), groups, with(d, 0xde1e, groups));
        groups = one(mailbox, 0, putOf(GRANT, S));
        refusedSend(abi.encodeWithSelector(IDPKI.OutOfReach.selector, mailbox), groups, with(d, 0xde1e, groups));
        groups = one(mailbox, commitment, putOf(GRANT, S));
        send(groups, with(d, 0xde1e, groups));
    }

    function test_a_root_is_made_by_roots_only() public {
        address account = vm.addr(0xde1e);
        Admin memory d = Admin(account, org, ALL, ALL, 0, 0);
        write(org, adminOf(d, now40() + 1 days));
        Admin memory r = rootOf(mallory, org, 0);
        Group[] memory groups = one(org, 0, adminOf(r, NEVER));
        refusedSend(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(r)), groups, with(d, 0xde1e, groups));
        groups = one(org, 0, revokeOf(ADMIN, idOf(roots[2])));
        refusedSend(
            abi.encodeWithSelector(IDPKI.RootProtected.selector, idOf(roots[2])), groups, with(d, 0xde1e, groups)
        );
        // Nor does what they make together outlive the delegated one.
        Admin memory a = Admin(mallory, zone, ALL, ALL, 0, 0);
        groups = one(org, 0, adminOf(a, now40() + 1 days + 1));
        refusedSend(abi.encodeWithSelector(IDPKI.BeyondMaker.selector, idOf(a)), groups, with(d, 0xde1e, groups));
        sendApproved(2, org, adminOf(r, NEVER));
    }

    /// @dev The first root's approval and another's, in order.
    function with(Admin memory d, uint256 key, Group[] memory groups) internal view returns (Approval[] memory a) {
        bytes32 digest = dpki.digestOf(org, groups, NONCE, deadline);
        a = new Approval[](2);
        a[0] = Approval(roots[0], signature(keys[0], digest));
        a[1] = Approval(d, signature(key, digest));
        if (d.account < roots[0].account) (a[0], a[1]) = (a[1], a[0]);
    }

    function test_contract_wallets() public {
        Wallet wallet = new Wallet();
        Admin memory w = Admin(address(wallet), zone, ALL, ALL, 0, 0);
        write(org, adminOf(w, now40() + 1 days));
        Group[] memory groups = one(zone, 0, putOf(GRANT, S));
        Approval[] memory a = new Approval[](1);
        a[0] = Approval(w, "");
        refusedSend(abi.encodeWithSelector(IDPKI.InvalidSignature.selector, address(wallet)), groups, a);
        wallet.accept(dpki.digestOf(org, groups, NONCE, deadline));
        send(groups, a);
        // And directly, as its own caller.
        write(w, zone, 0, putOf(GRANT, keccak256("2")));
    }

    function testFuzz_thresholds(uint8[12] calldata kinds, uint8[12] calldata approvals) public {
        uint256[96] memory needed;
        for (uint256 i = 0; i < 96; ++i) {
            needed[i] = 1;
        }
        for (uint256 i = 0; i < 12; ++i) {
            uint8 kind = kinds[i] % 96;
            if (i % 2 == 0) kind = [ADMIN, LIMIT, GUARDIAN, DISTRUST, POINTER, POLICY][kind % 6];
            uint8 n = 1 + approvals[i] % 4;
            uint256 before = needed[kind];
            uint256 count = needed[LIMIT];
            needed[kind] = n;
            Group[] memory groups = one(org, 0, limitOf(kind, n, NEVER));
            bytes32 nonce = bytes32(i);
            Approval[] memory a = approve(count, groups, nonce, deadline);
            if (!inOrder(needed)) {
                vm.expectRevert(abi.encodeWithSelector(IDPKI.InvalidThreshold.selector, kind, n));
                needed[kind] = before;
            }
            dpki.writeApproved(org, groups, nonce, deadline, a);
        }
    }

    function inOrder(uint256[96] memory needed) internal pure returns (bool) {
        for (uint256 i = 0; i < 96; ++i) {
            bool strong = (i >= 1 && i <= 5) || i == POLICY;
            if (strong && needed[i] > 3) return false;
            for (uint256 j = 0; j < 96; ++j) {
                bool weak = !((j >= 1 && j <= 5) || j == POLICY);
                if (strong && weak && needed[i] < needed[j]) return false;
            }
        }
        return true;
    }
}
