// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ADMIN, DISTRUST, GUARDIAN, LAST_KIND, LIMIT, POINTER, POLICY} from "./Kinds.sol";

/// @dev Approvals needed by each kind, less one, in four bits: kinds 0 to 63 in `low`, the others in `high`.
struct Thresholds {
    uint256 low;
    uint256 high;
}

using {set, highest, inOrder} for Thresholds global;

/// @dev The kinds that decide over all others: who could write them with fewer approvals could give itself the rest.
uint256 constant STRONG = 1 << ADMIN | 1 << LIMIT | 1 << GUARDIAN | 1 << DISTRUST | 1 << POINTER | 1 << POLICY;

function set(Thresholds memory t, uint256 kind, uint256 approvals) pure {
    uint256 shift = 4 * (kind & 63);
    uint256 value = approvals - 1;
    if (kind < 64) t.low = t.low & ~(15 << shift) | value << shift;
    else t.high = t.high & ~(15 << shift) | value << shift;
}

/// @dev What the strong kinds, and so all, need at most.
function highest(Thresholds memory t) pure returns (uint256 most) {
    for (uint256 kind = 0; kind < 64; ++kind) {
        uint256 approvals = (t.low >> 4 * kind & 15) + 1;
        if (STRONG >> kind & 1 == 1 && approvals > most) most = approvals;
    }
}

/// @dev Whether every strong kind needs at least what any other kind needs, and at most `roots`, so that the root
/// admins can always change everything.
function inOrder(Thresholds memory t, uint256 roots) pure returns (bool) {
    uint256 weakest = 16;
    uint256 strongest = 1;
    uint256 most = 1;
    for (uint256 kind = 0; kind <= LAST_KIND; ++kind) {
        uint256 approvals = ((kind < 64 ? t.low : t.high) >> 4 * (kind & 63) & 15) + 1;
        if (STRONG >> kind & 1 == 0) {
            if (approvals > most) most = approvals;
        } else {
            if (approvals < weakest) weakest = approvals;
            if (approvals > strongest) strongest = approvals;
        }
    }
    return most <= weakest && strongest <= roots;
}
