// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @dev The running hash as docs/formats.md says it, in plain abi.encode: the other side of what Draft.sol does.
struct Replay {
    bytes32 h;
    uint256 seq;
    uint256 blockNumber;
}

using {next} for Replay global;

function emptyHash(address dpki, bytes32 org, bytes32 scope) view returns (bytes32) {
    return keccak256(abi.encode(bytes32("DPKI/1"), block.chainid, dpki, org, scope));
}

/// @dev Takes one Appended event of this block, and checks its head.
function next(Replay memory r, Vm.Log memory l) view {
    (bytes32 head, bytes32 subject, address[] memory authors, bytes memory data) =
        abi.decode(l.data, (bytes32, bytes32, address[], bytes));
    require(keccak256(abi.encode(head, subject, authors, data)) == keccak256(l.data), "event is not abi.encode");
    uint256 bits = uint256(head);
    require(bits >> 232 == 0, "head: zero bits");
    uint256 action = uint8(bits >> 224);
    uint256 kind = uint8(bits >> 216);
    require(uint48(bits >> 168) == r.seq + 1, "head: sequence");
    require(uint48(bits >> 120) == r.blockNumber, "head: previous block");
    require(uint40(bits >> 80) == block.timestamp, "head: time");
    r.seq++;
    r.h = keccak256(
        abi.encode(
            r.h,
            r.seq,
            block.number,
            r.blockNumber,
            block.timestamp,
            authors,
            action,
            kind,
            subject,
            uint256(uint40(bits >> 40)),
            uint256(uint40(bits)),
            keccak256(data)
        )
    );
    r.blockNumber = block.number;
}
