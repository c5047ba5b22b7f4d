// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DRAFT_SUBJECT, Draft, appendDraft} from "./Draft.sol";
import {Ids} from "./Ids.sol";
import {CHECKPOINT} from "./Kinds.sol";
import {Record} from "./Record.sol";

/// @dev The append-only logs.
abstract contract Log {
    /// @dev A Record in a struct of its own, stored as the word alone: so that its place is computed once.
    struct Cell {
        Record record;
    }

    /// @param hash H, the running hash. Zero before the first entry.
    /// @param tip M, the last entry: seq 48 | block 48 | time 40, from the lowest bit up. Never proven.
    /// @param records By kind, what is kept of each subject, to decide by. Never proven. An array and not a mapping: one
    /// hash less an entry.
    struct Scope {
        bytes32 hash;
        uint256 tip;
        mapping(bytes32 subject => Cell)[256] records;
    }

    /// @dev Slot 0. With the hash first in a scope's struct, this is to readers a mapping to hashes: part of the format.
    mapping(bytes32 org => mapping(bytes32 scope => Scope)) internal scopes;
    /// @dev Slot 1, part of the format: C, the running hash at sequence CHECKPOINT * i.
    mapping(bytes32 org => mapping(bytes32 scope => mapping(uint256 i => bytes32))) internal checkpoints;

    /// @dev Where the records of all kinds begin.
    function _records(Scope storage s) internal view returns (uint256 slot) {
        mapping(bytes32 subject => Cell)[256] storage records = s.records;
        assembly ("memory-safe") {
            slot := records.slot
        }
    }

    /// @dev s.records[kind][subject] of the draft, for a kind below 256: without Solidity's test of that, which costs 80
    /// gas.
    /// @param records What _records(s) gave.
    /// @param head What readChange gave.
    function _cell(uint256 records, uint256 head) internal pure returns (Cell storage cell) {
        assembly ("memory-safe") {
            mstore(0, mload(DRAFT_SUBJECT))
            mstore(32, add(records, byte(19, head)))
            cell.slot := keccak256(0, 64)
        }
    }

    /// @dev Makes the draft ready for the scope's next entry.
    /// @return stamp That entry's.
    function _open(Scope storage s, Draft memory d, bytes32 org, bytes32 scope) internal view returns (uint256 stamp) {
        unchecked {
            uint256 tip = s.tip;
            d.previous = tip == 0 ? Ids.emptyHash(org, scope) : s.hash;
            d.prevBlock = uint48(tip >> 48);
            return (uint256(uint48(tip)) + 1) << 168 | block.timestamp << 80;
        }
    }

    /// @dev The only place where an entry comes into being.
    /// @param head What readChange gave.
    /// @param stamp The entry's.
    function _append(uint256 head, uint256 stamp, bytes32 org, bytes32 scope) internal {
        unchecked {
            bytes32 h = appendDraft(head, stamp, org, scope);
            uint256 seq = stamp >> 168;
            if (seq % CHECKPOINT == 0) checkpoints[org][scope][seq / CHECKPOINT] = h;
        }
    }

    /// @dev Stores what _append has changed: once, whatever the number of entries.
    /// @param seq The last entry's.
    function _close(Scope storage s, Draft memory d, uint256 seq) internal {
        s.hash = d.previous;
        s.tip = seq | block.number << 48 | block.timestamp << 96;
    }
}
