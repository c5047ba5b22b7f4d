// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDPKI} from "./IDPKI.sol";
import {QUICK, QUICK_KINDS} from "./Kinds.sol";
import {Log} from "./Log.sol";
import {Thresholds} from "./Thresholds.sol";

/// @dev What is kept of an organisation to decide by: a summary of the entries in its own scope.
abstract contract Organisations is Log {
    /// @param epoch How often it was recovered. Admins, limits and pointers of an older epoch are void.
    /// @param roots Root admins that live; never zero again after creation.
    /// @param limited Bit k: kind k has a limit. Saves a storage read for those that have none.
    /// @param frozenUntil End of the latest freeze.
    /// @param quick The limits of the kinds that are written most, again: for each of QUICK_KINDS from QUICK on, from the
    /// lowest bit up, longest 26 (all ones: that or longer) | approvals 4, less one. In one word with those above, which
    /// every write reads anyway: 2,300 gas less a put.
    /// @param isRoot Accounts of the root admins that live: two admins of one account would count as two roots and
    /// approve as one.
    /// @param rootAccount The account of a root admin, whose id is all that its revocation names.
    struct Organisation {
        uint32 epoch;
        uint16 roots;
        uint96 limited;
        uint40 frozenUntil;
        uint64 quick;
        Thresholds thresholds;
        mapping(uint256 epoch => mapping(uint256 kind => Limit)) limits;
        mapping(uint256 epoch => mapping(address account => bool)) isRoot;
        mapping(bytes32 admin => address account) rootAccount;
    }

    /// @dev The data of the latest LIMIT entry of a kind.
    struct Limit {
        uint8 approvals;
        uint40 longest;
    }

    /// @dev What the authors of a write may do together.
    /// @param frozenUntil End of the freeze that is in force, or zero.
    /// @param guard Zero for admins. For guardians: who of them, bit by bit, below bit 16, and above it how many make a
    /// recovery final.
    struct Writer {
        bytes32 org;
        uint256 epoch;
        uint256 limited;
        uint256 authors;
        uint256 putMask;
        uint256 revokeMask;
        uint256 until;
        bool root;
        uint256 frozenUntil;
        uint256 guard;
        uint256 quick;
    }

    uint256 private constant QUICK_BITS = 30;
    uint256 private constant QUICK_LONGEST = 2 ** 26 - 1;

    mapping(bytes32 org => Organisation) internal organisations;

    /// @dev Reverts if a kind with a limit needs more approvals than the write has.
    /// @return longest The kind's longest validity, or what is kept of it in `quick`: beyond it _longest decides.
    function _checkLimit(Writer memory w, uint256 kind) internal view returns (uint256 longest) {
        unchecked {
            uint256 approvals;
            if (kind - QUICK < QUICK_KINDS) {
                uint256 limit = w.quick >> QUICK_BITS * (kind - QUICK);
                longest = limit & QUICK_LONGEST;
                approvals = (limit >> 26 & 15) + 1;
            } else {
                Limit memory l = organisations[w.org].limits[w.epoch][kind];
                longest = l.longest;
                approvals = l.approvals;
            }
            if (approvals > w.authors) revert IDPKI.ApprovalsNeeded(uint8(kind), uint8(approvals));
        }
    }

    function _longest(Writer memory w, uint256 kind) internal view returns (uint256) {
        return organisations[w.org].limits[w.epoch][kind].longest;
    }

    /// @dev Keeps a limit, from now on.
    function _setLimit(Writer memory w, uint256 kind, uint256 approvals, uint256 longest) internal {
        Organisation storage o = organisations[w.org];
        o.limits[w.epoch][kind] = Limit(uint8(approvals), uint40(longest));
        w.limited |= 1 << kind;
        o.limited = uint96(w.limited);
        if (kind < QUICK || kind >= QUICK + QUICK_KINDS) return;
        uint256 shift = QUICK_BITS * (kind - QUICK);
        uint256 limit = (longest < QUICK_LONGEST ? longest : QUICK_LONGEST) | approvals - 1 << 26;
        w.quick = w.quick & ~(2 ** QUICK_BITS - 1 << shift) | limit << shift;
        o.quick = uint64(w.quick);
    }

    function _addRoot(bytes32 org, address account, bytes32 admin) internal {
        Organisation storage o = organisations[org];
        if (o.isRoot[o.epoch][account]) revert IDPKI.RootExists(account);
        o.isRoot[o.epoch][account] = true;
        o.rootAccount[admin] = account;
        ++o.roots;
    }
}
