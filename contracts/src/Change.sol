// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IDPKI} from "./IDPKI.sol";
import {MAX_DATA} from "./Kinds.sol";

/// @dev One change, taken from Group.changes. The same memory serves all changes of a write.
struct Change {
    uint256 action;
    uint256 kind;
    uint256 from;
    uint256 until;
    bytes32 subject;
    bytes data;
}

/// @dev action 1, kind 1, from 5, until 5, data length 2, subject 32.
uint256 constant CHANGE_HEAD = 46;

function newChange() pure returns (Change memory c) {
    c.data = new bytes(MAX_DATA);
}

/// @dev Reads the change at `offset` into `c`, which must come from newChange.
/// @return next Where the next change begins.
function readChange(bytes calldata changes, uint256 offset, Change memory c) pure returns (uint256 next) {
    unchecked {
        uint256 end = offset + CHANGE_HEAD;
        if (end > changes.length) revert IDPKI.MalformedChanges();
        uint256 head;
        bytes32 subject;
        // Solidity's slices check again, for 250 gas a change, what was checked just above.
        assembly ("memory-safe") {
            head := calldataload(add(changes.offset, offset))
            subject := calldataload(add(add(changes.offset, offset), 14))
        }
        uint256 length = uint256(uint16(head >> 144));
        next = end + length;
        if (next > changes.length) revert IDPKI.MalformedChanges();
        if (length > MAX_DATA) revert IDPKI.DataTooLong(length);
        c.action = head >> 248;
        c.kind = uint8(head >> 240);
        c.from = uint40(head >> 200);
        c.until = uint40(head >> 160);
        c.subject = subject;
        bytes memory data = c.data;
        // Within the MAX_DATA bytes that newChange allocated. A new array for each change would let memory, whose
        // price grows with its square, grow with the batch.
        assembly ("memory-safe") {
            mstore(data, length)
            calldatacopy(add(data, 32), add(changes.offset, end), length)
        }
    }
}
