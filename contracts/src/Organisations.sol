// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDPKI} from "./IDPKI.sol";
import {Log} from "./Log.sol";
import {Thresholds} from "./Thresholds.sol";

/// @dev What is kept of an organisation to decide by: a summary of the entries in its own scope.
abstract contract Organisations is Log {
    /// @param epoch How often it was recovered. Admins, limits and pointers of an older epoch are void.
    /// @param roots Root admins that live; never zero again after creation.
    /// @param limited Bit k: kind k has a limit. Saves a storage read for those that have none.
    /// @param frozenUntil End of the latest freeze. With the three above in one word, which every write reads anyway.
    /// @param isRoot Accounts of the root admins that live: two admins of one account would count as two roots and
    /// approve as one.
    /// @param rootAccount The account of a root admin, whose id is all that its revocation names.
    struct Organisation {
        uint32 epoch;
        uint32 roots;
        uint96 limited;
        uint40 frozenUntil;
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
    }

    mapping(bytes32 org => Organisation) internal organisations;

    /// @dev Reverts if a kind with a limit needs more approvals than the write has.
    /// @return longest The kind's longest validity.
    function _checkLimit(Writer memory w, uint256 kind) internal view returns (uint256 longest) {
        Limit memory l = organisations[w.org].limits[w.epoch][kind];
        if (l.approvals > w.authors) revert IDPKI.ApprovalsNeeded(uint8(kind), l.approvals);
        return l.longest;
    }

    function _addRoot(bytes32 org, address account, bytes32 admin) internal {
        Organisation storage o = organisations[org];
        if (o.isRoot[o.epoch][account]) revert IDPKI.RootExists(account);
        o.isRoot[o.epoch][account] = true;
        o.rootAccount[admin] = account;
        ++o.roots;
    }
}
