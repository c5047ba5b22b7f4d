// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDPKI} from "./IDPKI.sol";
import {MAX_DATA} from "./Kinds.sol";
import {Record} from "./Record.sol";

/// @dev The memory in which one entry after the other of a write is made: what differs is overwritten, what does not
/// (authors, block, time) is written once. In assembly and at a fixed address, because a batch of 100 is beyond its
/// budget of 32,000 gas an entry without: with structs, abi.encode and emit it costs 34,645, with assembly for hash and
/// event only 32,637, with all but the fixed address 32,200.
///
/// Behind these fields, in memory alone, lie the array of authors; the event's head, subject, two offsets and authors;
/// the data. From `previous` to the end of the first array is what is hashed: abi.encode of eleven words and, in the
/// sixth place, the authors, whose offset `authors` is.
struct Draft {
    /// @dev Room for MAX_DATA and the zeros that pad it. The event ends with it.
    bytes data;
    /// @dev Memory address of the event.
    uint256 line;
    /// @dev How many bytes are hashed.
    uint256 size;
    /// @dev Bit k: the writer may put kind k and it has no rules of its own. One test instead of three.
    uint256 plain;
    bytes32 previous;
    uint256 seq;
    uint256 blockNumber;
    uint256 prevBlock;
    uint256 time;
    uint256 authors;
    uint256 action;
    uint256 kind;
    bytes32 subject;
    uint256 from;
    uint256 until;
    bytes32 dataHash;
}

// Addresses of a Draft and of its fields. `newDraft` makes sure of the first, and the running hash of the others.
uint256 constant DRAFT = 0x200;
uint256 constant DRAFT_DATA = 0x200;
uint256 constant DRAFT_LINE = 0x220;
uint256 constant DRAFT_SIZE = 0x240;
uint256 constant DRAFT_PLAIN = 0x260;
uint256 constant DRAFT_PREVIOUS = 0x280;
uint256 constant DRAFT_SEQ = 0x2a0;
uint256 constant DRAFT_PREV_BLOCK = 0x2e0;
uint256 constant DRAFT_ACTION = 0x340;
uint256 constant DRAFT_KIND = 0x360;
uint256 constant DRAFT_SUBJECT = 0x380;
uint256 constant DRAFT_FROM = 0x3a0;
uint256 constant DRAFT_UNTIL = 0x3c0;
uint256 constant DRAFT_DATA_HASH = 0x3e0;
uint256 constant DRAFT_AUTHORS = 0x400;

/// @dev What is hashed without the authors: their offset in it.
uint256 constant ENTRY_SIZE = 384;
/// @dev The event's head, subject and two offsets: the offset of its authors.
uint256 constant LINE_SIZE = 128;
/// @dev In Group.changes: action 1, kind 1, data length 2, from 5, until 5, subject 32.
uint256 constant CHANGE_HEAD = 46;

using {setAuthor, set} for Draft global;

/// @dev Free memory must have been moved to DRAFT, by reserveDraft.
/// @param authors How many. setAuthor then sets each of them.
function newDraft(uint256 authors) view returns (Draft memory d) {
    unchecked {
        uint256 tail = 32 + 32 * authors;
        bytes memory data;
        uint256 line;
        assembly ("memory-safe") {
            if iszero(eq(d, DRAFT)) { invalid() }
            line := add(DRAFT_AUTHORS, tail)
            data := add(line, add(LINE_SIZE, tail))
            mstore(0x40, add(data, add(64, MAX_DATA)))
            mstore(DRAFT_AUTHORS, authors)
            mstore(add(line, 64), LINE_SIZE)
            mstore(add(line, 96), add(LINE_SIZE, tail))
            mstore(add(line, LINE_SIZE), authors)
        }
        d.data = data;
        d.line = line;
        d.size = ENTRY_SIZE + tail;
        d.blockNumber = block.number;
        d.time = block.timestamp;
        d.authors = ENTRY_SIZE;
    }
}

/// @dev Moves free memory to where a Draft stands. First of all in a function: what lies below is the compiler's.
function reserveDraft() pure {
    assembly ("memory-safe") {
        if gt(mload(0x40), DRAFT) { invalid() }
        mstore(0x40, DRAFT)
    }
}

/// @dev Authors are strictly ascending, `i` is below their number: the caller's to keep.
function setAuthor(Draft memory d, uint256 i, address author) pure {
    uint256 line = d.line;
    assembly ("memory-safe") {
        let offset := shl(5, add(i, 1))
        mstore(add(DRAFT_AUTHORS, offset), author)
        mstore(add(add(line, LINE_SIZE), offset), author)
    }
}

/// @dev What `readChange` does, from memory, for the one entry that this contract makes itself.
/// @return head As `readChange` gives it, without the data's length.
function set(Draft memory d, uint256 action, uint256 kind, bytes32 subject, uint256 until, bytes memory content)
    pure
    returns (uint256 head)
{
    d.action = action;
    d.kind = kind;
    d.subject = subject;
    d.until = until;
    bytes memory data = d.data;
    assembly ("memory-safe") {
        mcopy(data, content, add(mload(content), 32))
    }
    return action << 104 | kind << 96 | until;
}

/// @dev Takes a change into the draft. Does not know where the changes end: the caller refuses the write if the last one
/// does not end there.
/// @param start Where the change begins in calldata.
/// @return head ... | action 8 | kind 8 | data length 16 | from 40 | until 40. What is above is arbitrary.
/// @return next Where the next change begins.
function readChange(uint256 start) pure returns (uint256 head, uint256 next) {
    bytes memory data;
    uint256 length;
    // By way of memory, because the compiler repeats a calldataload and a shift at each use of its result.
    assembly ("memory-safe") {
        // The scratch space, with the subject as its second word.
        calldatacopy(18, start, CHANGE_HEAD)
        head := mload(0)
        mstore(DRAFT_SUBJECT, mload(32))
        mstore(DRAFT_ACTION, byte(18, head))
        mstore(DRAFT_KIND, byte(19, head))
        mstore(DRAFT_FROM, and(shr(40, head), 0xffffffffff))
        mstore(DRAFT_UNTIL, and(head, 0xffffffffff))
        data := mload(DRAFT_DATA)
        mstore(data, and(shr(80, head), 0xffff))
        length := mload(data)
    }
    if (length > MAX_DATA) revert IDPKI.DataTooLong(length);
    assembly ("memory-safe") {
        calldatacopy(add(data, 32), add(start, CHANGE_HEAD), length)
        next := add(add(start, CHANGE_HEAD), length)
    }
}

/// @dev Whether the draft's kind is one of `plain`'s.
function isPlain() pure returns (bool plain) {
    assembly ("memory-safe") {
        plain := and(shr(mload(DRAFT_KIND), mload(DRAFT_PLAIN)), 1)
    }
}

/// @dev Whether the draft, a put, breaks a rule that all kinds have: its subject is new (its record is zero); its window
/// is not empty, ends in the future and at most `longest` from now. In one, because a branch each costs 40 gas more.
function isBadPut(Record r, uint256 longest) view returns (bool bad) {
    assembly ("memory-safe") {
        let until := mload(DRAFT_UNTIL)
        // until - time - 1 wraps, and so is too long, if the end is not in the future.
        let fits := and(gt(until, mload(DRAFT_FROM)), lt(sub(sub(until, timestamp()), 1), longest))
        bad := or(iszero(fits), r)
    }
}

/// @dev Emits IDPKI.Appended and makes the draft the one after it.
/// @param head What `readChange` gave.
/// @param stamp Of the event's head: seq 48 | 48 zero bits | time 40 | 80 zero bits.
/// @return h The running hash after the entry.
function appendDraft(uint256 head, uint256 stamp, bytes32 org, bytes32 scope) returns (bytes32 h) {
    bytes32 topic = IDPKI.Appended.selector;
    assembly ("memory-safe") {
        let line := mload(DRAFT_LINE)
        stamp := or(stamp, shl(120, mload(DRAFT_PREV_BLOCK)))
        mstore(line, or(or(shl(216, and(shr(96, head), 0xffff)), stamp), and(head, 0xffffffffffffffffffff)))
        mstore(add(line, 32), mload(DRAFT_SUBJECT))
        let data := mload(DRAFT_DATA)
        let size := mload(data)
        let content := add(data, 32)
        // The event is padded with zeros to a whole word, where an earlier entry may have left its bytes.
        mstore(add(content, size), 0)
        log3(line, add(sub(content, line), and(add(size, 31), not(31))), topic, org, scope)
        mstore(DRAFT_DATA_HASH, keccak256(content, size))
        mstore(DRAFT_SEQ, shr(168, stamp))
        h := keccak256(DRAFT_PREVIOUS, mload(DRAFT_SIZE))
        mstore(DRAFT_PREVIOUS, h)
        mstore(DRAFT_PREV_BLOCK, number())
    }
}
