// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Change} from "./Change.sol";
import {Admin, IDPKI} from "./IDPKI.sol";
import {Ids} from "./Ids.sol";
import {ADMIN, ALL_KINDS, DISTRUST, LAST_KIND, LIMIT, NEVER, ROOT} from "./Kinds.sol";
import {Record} from "./Record.sol";

/// @dev Who may do what: admins and limits, which are entries of the organisation's scope like any other, and what
/// this contract keeps of them to decide by.
abstract contract Authority {
    /// @dev One word an organisation, read by every write.
    /// @param epoch Admins of an older epoch are void.
    /// @param roots Root admins that live; never zero again after creation.
    /// @param limited Bit k: kind k has a limit. Saves a storage read for those that have none.
    struct Organisation {
        uint32 epoch;
        uint32 roots;
        uint96 limited;
    }

    /// @dev The data of the latest LIMIT entry of a kind.
    struct Limit {
        uint8 approvals;
        uint40 longest;
    }

    /// @dev What the write that is going on may do.
    struct Writer {
        bytes32 org;
        address[] authors;
        bytes32 power;
        uint256 putMask;
        uint256 revokeMask;
        uint256 until;
        bool root;
        uint256 epoch;
        uint256 limited;
    }

    mapping(bytes32 org => Organisation) internal organisations;
    mapping(bytes32 org => mapping(uint256 kind => Limit)) internal limits;
    /// @dev Keyed by Ids.record.
    mapping(bytes32 key => Record) internal records;

    /// @dev The caller with the power that it shows, if that lives.
    function _writer(bytes32 org, Admin calldata admin) internal view returns (Writer memory w) {
        Organisation memory o = organisations[org];
        bytes32 id = keccak256(abi.encode(admin));
        Record r = records[Ids.record(org, org, ADMIN, id)];
        if (admin.account != msg.sender || !r.isLive(block.timestamp) || r.epoch() != o.epoch) {
            revert IDPKI.NotAdmin(id);
        }
        w.org = org;
        w.authors = new address[](1);
        w.authors[0] = msg.sender;
        w.power = admin.power;
        w.putMask = admin.putMask;
        w.revokeMask = admin.revokeMask;
        w.until = r.until();
        w.root = r.isRoot();
        w.epoch = o.epoch;
        w.limited = o.limited;
    }

    /// @dev Reverts unless the writer's power reaches the scope, by `salt` if it is a mailbox of the writer's zone.
    function _checkReach(Writer memory w, bytes32 scope, bytes32 salt) internal pure {
        if (w.power == w.org || w.power == scope) return;
        if (Ids.mailbox(w.power, salt) != scope) revert IDPKI.OutOfReach(scope);
    }

    /// @dev Before a put in the organisation's scope: the rules of the kinds that this contract reads.
    /// @return root Whether the entry makes a root admin.
    function _put(Writer memory w, Change memory c) internal returns (bool root) {
        if (c.kind == ADMIN) return _putAdmin(w, c);
        if (c.kind == LIMIT) _putLimit(w, c);
        else if (c.kind == DISTRUST) _checkDistrust(c.data);
    }

    function _putAdmin(Writer memory w, Change memory c) private returns (bool root) {
        if (c.data.length != 192 || keccak256(c.data) != c.subject) revert IDPKI.InvalidAdmin(c.subject);
        (uint256 account, bytes32 power, uint256 putMask, uint256 revokeMask, uint256 flags,) =
            abi.decode(c.data, (uint256, bytes32, uint256, uint256, uint256, bytes32));
        if (
            account == 0 || account > type(uint160).max || power == 0 || putMask > ALL_KINDS || revokeMask > ALL_KINDS
                || flags > ROOT
        ) revert IDPKI.InvalidAdmin(c.subject);
        root = flags == ROOT;
        if (root) {
            // In force at once and for ever, or the count of roots would count some who cannot act.
            if (
                power != w.org || putMask != ALL_KINDS || revokeMask != ALL_KINDS || c.from > block.timestamp
                    || c.until != NEVER
            ) revert IDPKI.InvalidAdmin(c.subject);
            if (!w.root) revert IDPKI.BeyondMaker(c.subject);
            ++organisations[w.org].roots;
        } else if (putMask & ~w.putMask != 0 || revokeMask & ~w.revokeMask != 0 || c.until > w.until) {
            // The power is the maker's or less already: only the organisation's reaches the scope of ADMIN entries.
            revert IDPKI.BeyondMaker(c.subject);
        }
    }

    function _putLimit(Writer memory w, Change memory c) private {
        if (c.data.length != 96) revert IDPKI.InvalidLimit();
        (uint256 kind, uint256 approvals, uint256 longest) = abi.decode(c.data, (uint256, uint256, uint256));
        if (kind > LAST_KIND || approvals != 1 || longest == 0 || longest > NEVER) revert IDPKI.InvalidLimit();
        // The latest counts, from now on and until the next: a window would say otherwise.
        if (c.from > block.timestamp || c.until != NEVER) {
            revert IDPKI.InvalidWindow(uint40(c.from), uint40(c.until));
        }
        limits[w.org][kind] = Limit(uint8(approvals), uint40(longest));
        w.limited |= 1 << kind;
        organisations[w.org].limited = uint96(w.limited);
    }

    function _checkDistrust(bytes memory data) private view {
        if (data.length != 96) revert IDPKI.InvalidDistrust();
        (uint256 author, uint256 from, uint256 to) = abi.decode(data, (uint256, uint256, uint256));
        if (author > type(uint160).max || from > to || to > block.timestamp) revert IDPKI.InvalidDistrust();
    }

    /// @dev Before a revocation of an admin.
    /// @param r The admin's record.
    function _revokeAdmin(Writer memory w, bytes32 admin, Record r) internal {
        if (!r.isRoot() || r.epoch() != w.epoch) return;
        uint32 roots = organisations[w.org].roots;
        if (!w.root || roots == 1) revert IDPKI.RootProtected(admin);
        organisations[w.org].roots = roots - 1;
    }

    /// @dev The longest validity of a kind.
    function _longest(Writer memory w, uint256 kind) internal view returns (uint256) {
        return w.limited >> kind & 1 == 0 ? NEVER : limits[w.org][kind].longest;
    }
}
