// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Draft} from "./Draft.sol";
import {Guardians} from "./Guardians.sol";
import {Admin, IDPKI} from "./IDPKI.sol";
import {Ids} from "./Ids.sol";
import {ADMIN, ALL_KINDS, DISTRUST, GUARDIAN, LAST_KIND, LIMIT, MAX_AUTHORS, NEVER, POINTER, ROOT} from "./Kinds.sol";
import {Record} from "./Record.sol";
import {Thresholds} from "./Thresholds.sol";

/// @dev Who may do what: admins and limits, which are entries of the organisation's scope like any other.
abstract contract Authority is Guardians {
    /// @dev Reverts unless the admin is the account's and lives.
    /// @return r Its record.
    function _live(bytes32 org, uint256 epoch, Admin calldata admin, address account) internal view returns (Record r) {
        bytes32 id = _adminId(admin);
        r = scopes[org][org].records[ADMIN][id].record;
        if (admin.account != account || !r.isLive(block.timestamp) || r.epoch() != epoch) revert IDPKI.NotAdmin(id);
    }

    /// @dev keccak256(abi.encode(admin)), which costs 150 gas more. A word out of its type's range gives an id that no
    /// ADMIN entry has.
    function _adminId(Admin calldata admin) private pure returns (bytes32 id) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, admin, 192)
            id := keccak256(p, 192)
        }
    }

    /// @dev Reverts unless the power reaches the scope, by `salt` if it is a mailbox of the zone whose power it is.
    function _checkReach(bytes32 org, bytes32 power, bytes32 scope, bytes32 salt) internal pure {
        if (power == org || power == scope) return;
        if (Ids.mailbox(power, salt) != scope) revert IDPKI.OutOfReach(scope);
    }

    /// @dev Before a put of a kind that exists in the organisation's scope only: the rules of those that this contract
    /// reads.
    /// @return root Whether the entry makes a root admin.
    function _putOrganisationKind(Writer memory w, Draft memory d, bytes32 scope) internal returns (bool root) {
        uint256 kind = d.kind;
        _checkOrganisationKind(w, kind, scope);
        if (kind == ADMIN) return _putAdmin(w, d);
        if (kind == LIMIT) _putLimit(w, d);
        else if (kind == GUARDIAN) _putGuardians(w, d);
        else if (kind == DISTRUST) _checkDistrust(d.data);
        else if (kind == POINTER) _putPointer(w, d);
    }

    /// @dev Before a revocation of a kind that exists in the organisation's scope only.
    /// @param r What is stored of the subject.
    function _revokeOrganisationKind(Writer memory w, Draft memory d, bytes32 scope, Record r) internal {
        uint256 kind = d.kind;
        _checkOrganisationKind(w, kind, scope);
        if (kind == LIMIT) revert IDPKI.NotRevocable(LIMIT);
        if (kind == GUARDIAN) _revokeGuardians(w, d);
        if (kind == ADMIN && r.isRoot() && !r.isRevoked() && r.epoch() == w.epoch) _revokeRoot(w, d.subject);
    }

    function _checkOrganisationKind(Writer memory w, uint256 kind, bytes32 scope) private pure {
        if (scope != w.org) revert IDPKI.OrganisationScopeOnly(uint8(kind));
    }

    function _putAdmin(Writer memory w, Draft memory d) private returns (bool root) {
        if (d.data.length != 192 || keccak256(d.data) != d.subject) revert IDPKI.InvalidAdmin(d.subject);
        (uint256 account, bytes32 power, uint256 putMask, uint256 revokeMask, uint256 flags,) =
            abi.decode(d.data, (uint256, bytes32, uint256, uint256, uint256, bytes32));
        if (
            account == 0 || account > type(uint160).max || power == 0 || putMask > ALL_KINDS || revokeMask > ALL_KINDS
                || flags > ROOT
        ) revert IDPKI.InvalidAdmin(d.subject);
        root = flags == ROOT;
        if (root) {
            // In force at once and for ever, or the count of roots would count some who cannot act.
            if (
                power != w.org || putMask != ALL_KINDS || revokeMask != ALL_KINDS || d.from > block.timestamp
                    || d.until != NEVER
            ) revert IDPKI.InvalidAdmin(d.subject);
            if (!w.root) revert IDPKI.BeyondMaker(d.subject);
            _addRoot(w.org, address(uint160(account)), d.subject);
        } else if (putMask & ~w.putMask != 0 || revokeMask & ~w.revokeMask != 0 || d.until > w.until) {
            // The power is the maker's or less already: only the organisation's reaches the scope of ADMIN entries.
            revert IDPKI.BeyondMaker(d.subject);
        }
    }

    function _revokeRoot(Writer memory w, bytes32 admin) private {
        Organisation storage o = organisations[w.org];
        uint16 left = o.roots - 1;
        if (!w.root || left == 0 || !o.thresholds.inOrder(left)) revert IDPKI.RootProtected(admin);
        o.roots = left;
        o.isRoot[o.epoch][o.rootAccount[admin]] = false;
    }

    function _putLimit(Writer memory w, Draft memory d) private {
        if (d.data.length != 96) revert IDPKI.InvalidLimit();
        (uint256 kind, uint256 approvals, uint256 longest) = abi.decode(d.data, (uint256, uint256, uint256));
        if (kind > LAST_KIND || approvals == 0 || approvals > MAX_AUTHORS || longest == 0 || longest > NEVER) {
            revert IDPKI.InvalidLimit();
        }
        // The latest counts, from now on and until the next: a window would say otherwise.
        _checkForever(d);
        Organisation storage o = organisations[w.org];
        Thresholds memory t = o.thresholds;
        t.set(kind, approvals);
        if (!t.inOrder(o.roots)) revert IDPKI.InvalidThreshold(uint8(kind), uint8(approvals));
        o.thresholds = t;
        _setLimit(w, kind, approvals, longest);
        d.plain &= ~(1 << kind);
    }

    function _checkDistrust(bytes memory data) private view {
        if (data.length != 96) revert IDPKI.InvalidDistrust();
        (uint256 author, uint256 from, uint256 to) = abi.decode(data, (uint256, uint256, uint256));
        if (author > type(uint160).max || from > to || to > block.timestamp) revert IDPKI.InvalidDistrust();
    }
}
