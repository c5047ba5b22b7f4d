// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CHANGE_HEAD, DRAFT_AUTHORS, DRAFT_PREVIOUS, ENTRY_SIZE, LINE_SIZE} from "../src/Draft.sol";
import {STRONG} from "../src/Thresholds.sol";
import {LONGEST, MAX_DATA, CHECKPOINT, NEVER as SRC_NEVER} from "../src/Kinds.sol";
import {Group, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";
import {Replay, emptyHash} from "./Replay.sol";

/// @dev The running hash, its places in storage, and every literal of the format derived again.
contract LogTest is BaseTest {
    function test_identifiers() public view {
        bytes memory padded =
            abi.encode(bytes32("DPKI/1/org"), block.chainid, address(dpki), alice, bytes32(uint256(7)));
        vm.assertEq(padded.length, 5 * 32, "static words only");
        vm.assertEq(org, keccak256(padded), "organisation");
        vm.assertEq(bytes32("D"), bytes32(uint256(uint8(bytes1("D"))) << 248), "a tag is padded on the right");
        vm.assertEq(dpki.hashOf(org, zone), emptyHash(address(dpki), org, zone), "h0");
    }

    function test_literals() public pure {
        vm.assertEq(LONGEST, 400 * 24 * 60 * 60, "400 days");
        vm.assertEq(SRC_NEVER, (1 << 40) - 1, "no end");
        vm.assertEq(MAX_DATA, 1 << 10, "data");
        vm.assertEq(CHECKPOINT, 1 << 10, "checkpoint");
        vm.assertEq(CHANGE_HEAD, 1 + 1 + 2 + 5 + 5 + 32, "a change without its data");
        vm.assertEq(ENTRY_SIZE, 12 * 32, "the hashed words");
        vm.assertEq(LINE_SIZE, 4 * 32, "the event's first words");
        vm.assertEq(DRAFT_AUTHORS - DRAFT_PREVIOUS, ENTRY_SIZE, "from the first hashed word to the authors");
        vm.assertEq(
            STRONG,
            (1 << ADMIN) + (1 << LIMIT) + (1 << GUARDIAN) + (1 << DISTRUST) + (1 << POINTER) + (1 << 16),
            "kinds that decide over others"
        );
        vm.assertEq(
            IDPKI.Appended.selector, keccak256("Appended(bytes32,bytes32,bytes32,bytes32,address[],bytes)"), "topic"
        );
    }

    /// @dev The slots that readers prove.
    function test_slots() public {
        write(zone, putOf(GRANT, "1"));
        bytes32 slot = keccak256(abi.encode(zone, keccak256(abi.encode(org, uint256(0)))));
        vm.assertEq(vm.load(address(dpki), slot), dpki.hashOf(org, zone), "H");
        bytes32 empty = keccak256(abi.encode(mailbox, keccak256(abi.encode(org, uint256(0)))));
        vm.assertEq(vm.load(address(dpki), empty), 0, "H of an empty scope");
    }

    function test_first_entry() public {
        vm.recordLogs();
        bytes32 second = create(bob, 0);
        Replay memory r = Replay(emptyHash(address(dpki), second, second), 0, 0);
        Vm.Log[] memory entries = vm.getRecordedLogs();
        vm.assertEq(entries.length, 1, "entries");
        vm.assertTrue(entries[0].emitter == address(dpki), "emitter");
        vm.assertEq(entries[0].topics[0], IDPKI.Appended.selector, "topic");
        vm.assertEq(entries[0].topics[1], second, "organisation");
        vm.assertEq(entries[0].topics[2], second, "scope");
        r.next(entries[0]);
        vm.assertEq(r.h, dpki.hashOf(second, second), "running hash");
    }

    /// @dev Entries of all lengths one after the other: nothing of an earlier one is left in a later one.
    function testFuzz_replay(uint16[12] calldata sizes, uint40 step, bool apart) public {
        Replay memory r = Replay(emptyHash(address(dpki), org, zone), 0, 0);
        bytes memory together;
        for (uint256 i = 0; i < sizes.length; ++i) {
            bytes memory data = new bytes(sizes[i] % 1025);
            for (uint256 j = 0; j < data.length; ++j) {
                data[j] = bytes1(uint8(0xff - i));
            }
            bytes memory c = i % 4 == 3
                ? change(REVOKE, GRANT, 0, 0, bytes32(i - 1), data)
                : change(PUT, GRANT, uint40(i), now40() + 1 + uint40(i), bytes32(i), data);
            together = bytes.concat(together, c);
            if (apart) {
                r = writeAndReplay(r, c);
                vm.roll(101 + i);
                vm.warp(1_767_225_600 + uint256(step % 10) * i);
            }
        }
        if (!apart) r = writeAndReplay(r, together);
        vm.assertEq(r.h, dpki.hashOf(org, zone), "running hash");
        vm.assertEq(r.seq, seqOf(zone), "sequence");
    }

    function writeAndReplay(Replay memory r, bytes memory c) internal returns (Replay memory) {
        vm.recordLogs();
        this.writeZone(c);
        return this.replay(r, vm.getRecordedLogs());
    }

    function writeZone(bytes memory c) external {
        write(zone, c);
    }

    /// @dev A call of its own, because the compiler takes block.number and block.timestamp for constants within one.
    function replay(Replay memory r, Vm.Log[] memory entries) external view returns (Replay memory) {
        for (uint256 i = 0; i < entries.length; ++i) {
            r.next(entries[i]);
        }
        return r;
    }

    /// @dev Across two checkpoints, in batches that end before, at and after them; another scope keeps its own count.
    function test_checkpoints() public {
        Replay memory r = Replay(emptyHash(address(dpki), org, zone), 0, 0);
        bytes32[3] memory kept;
        uint16[7] memory batches = [1000, 23, 1, 1, 1000, 22, 2];
        for (uint256 i = 0; i < batches.length; ++i) {
            vm.recordLogs();
            write(zone, many(batches[i], i));
            Vm.Log[] memory entries = vm.getRecordedLogs();
            for (uint256 j = 0; j < entries.length; ++j) {
                r.next(entries[j]);
                if (r.seq % 1024 == 0) kept[r.seq / 1024] = r.h;
            }
        }
        write(mailbox, change(PUT, GRANT, 0, now40() + 1, bytes32(0), ""));
        vm.assertEq(r.seq, 2049, "entries");
        vm.assertEq(r.h, dpki.hashOf(org, zone), "running hash");
        bytes32 slot = keccak256(abi.encode(zone, keccak256(abi.encode(org, uint256(1)))));
        for (uint256 i = 1; i <= 2; ++i) {
            vm.assertTrue(kept[i] != 0, "no checkpoint seen");
            vm.assertEq(dpki.checkpointOf(org, zone, i), kept[i], "C");
            vm.assertEq(vm.load(address(dpki), keccak256(abi.encode(i, slot))), kept[i], "C in storage");
        }
        vm.assertEq(dpki.checkpointOf(org, zone, 0), 0, "C[0]");
        vm.assertEq(dpki.checkpointOf(org, zone, 3), 0, "C[3]");
        vm.assertEq(dpki.checkpointOf(org, mailbox, 1), 0, "C of another scope");
    }

    /// @dev The same scope twice in one write goes on where it was.
    function test_a_scope_twice_in_one_write() public {
        Group[] memory groups = new Group[](3);
        groups[0] = Group(zone, 0, putOf(GRANT, "1"));
        groups[1] = Group(mailbox, 0, putOf(GRANT, "1"));
        groups[2] = Group(zone, 0, putOf(GRANT, "2"));
        vm.recordLogs();
        vm.prank(alice);
        dpki.write(org, root, groups);
        Vm.Log[] memory entries = vm.getRecordedLogs();
        Replay memory z = Replay(emptyHash(address(dpki), org, zone), 0, 0);
        z.next(entries[0]);
        z.next(entries[2]);
        Replay memory m = Replay(emptyHash(address(dpki), org, mailbox), 0, 0);
        m.next(entries[1]);
        vm.assertEq(dpki.hashOf(org, zone), z.h, "zone");
        vm.assertEq(dpki.hashOf(org, mailbox), m.h, "mailbox");
    }

    /// @dev The code is the same wherever it stands: nothing of the chain or the address is in it.
    function test_code_is_constant() public {
        vm.chainId(4202);
        DPKI other = new DPKI();
        vm.assertEq(address(other).codehash, address(dpki).codehash, "code hash");
        vm.assertTrue(other.hashOf(org, zone) != dpki.hashOf(org, zone), "two contracts and chains have the same h0");
    }
}
