// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Change} from "./Change.sol";
import {IDPKI} from "./IDPKI.sol";
import {Ids} from "./Ids.sol";
import {CHECKPOINT} from "./Kinds.sol";

/// @dev The append-only logs. The first two slots are the ones that readers prove: their place is part of the format.
abstract contract Log {
    /// @dev Slot 0. The running hash of a scope's log.
    mapping(bytes32 org => mapping(bytes32 scope => bytes32)) private H;
    /// @dev Slot 1. The running hash at sequence CHECKPOINT * i.
    mapping(bytes32 org => mapping(bytes32 scope => mapping(uint256 i => bytes32))) private C;
    /// @dev Slot 2. The last entry of a scope: seq 48 | block 48 | time 40, from the lowest bit up.
    mapping(bytes32 org => mapping(bytes32 scope => uint256)) private M;

    /// @dev A log that is being written: loaded once, stored once, whatever the number of entries.
    struct Tip {
        bytes32 org;
        bytes32 scope;
        bytes32 h;
        uint256 seq;
        uint256 blockNumber;
    }

    function _open(bytes32 org, bytes32 scope) internal view returns (Tip memory t) {
        t.org = org;
        t.scope = scope;
        uint256 m = M[org][scope];
        t.seq = uint48(m);
        t.blockNumber = uint48(m >> 48);
        t.h = t.seq == 0 ? Ids.emptyHash(org, scope) : H[org][scope];
    }

    /// @dev The only place where an entry comes into being.
    function _append(Tip memory t, address[] memory authors, Change memory c) internal {
        unchecked {
            uint256 seq = ++t.seq;
            emit IDPKI.Appended(
                t.org,
                t.scope,
                bytes32(
                    c.action << 224 | c.kind << 216 | seq << 168 | t.blockNumber << 120 | block.timestamp << 80
                        | c.from << 40 | c.until
                ),
                c.subject,
                authors,
                c.data
            );
            t.h = keccak256(
                abi.encode(
                    t.h,
                    seq,
                    block.number,
                    t.blockNumber,
                    block.timestamp,
                    authors,
                    c.action,
                    c.kind,
                    c.subject,
                    c.from,
                    c.until,
                    keccak256(c.data)
                )
            );
            t.blockNumber = block.number;
            if (seq % CHECKPOINT == 0) C[t.org][t.scope][seq / CHECKPOINT] = t.h;
        }
    }

    /// @dev Stores what _append has changed.
    function _close(Tip memory t) internal {
        H[t.org][t.scope] = t.h;
        M[t.org][t.scope] = t.seq | block.number << 48 | block.timestamp << 96;
    }

    function _hashOf(bytes32 org, bytes32 scope) internal view returns (bytes32) {
        return M[org][scope] == 0 ? Ids.emptyHash(org, scope) : H[org][scope];
    }

    function _checkpointOf(bytes32 org, bytes32 scope, uint256 i) internal view returns (bytes32) {
        return C[org][scope][i];
    }

    function _tipOf(bytes32 org, bytes32 scope) internal view returns (uint48, uint48, uint40) {
        uint256 m = M[org][scope];
        return (uint48(m), uint48(m >> 48), uint40(m >> 96));
    }
}
