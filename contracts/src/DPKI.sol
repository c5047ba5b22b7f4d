// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Authority} from "./Authority.sol";
import {Change, newChange, readChange} from "./Change.sol";
import {Admin, Group, IDPKI} from "./IDPKI.sol";
import {Ids} from "./Ids.sol";
import {
    ADMIN,
    ALL_KINDS,
    GUARDIAN,
    LAST_KIND,
    LAST_ORGANISATION_KIND,
    LIMIT,
    LONGEST,
    NEVER,
    POINTER,
    PUT,
    REVOKE,
    ROOT
} from "./Kinds.sol";
import {Log} from "./Log.sol";
import {Record, newRecord} from "./Record.sol";

/// @title The registry
/// @dev No constructor, no immutables, no metadata: the same code, and so the same code hash, on every chain.
contract DPKI is IDPKI, Log, Authority {
    /// @inheritdoc IDPKI
    function createOrganisation(bytes32 salt) external returns (bytes32 org) {
        org = Ids.organisation(msg.sender, salt);
        if (organisations[org].roots != 0) revert OrganisationExists(org);
        organisations[org].roots = 1;

        address[] memory authors = new address[](1);
        authors[0] = msg.sender;
        bytes memory data = abi.encode(Admin(msg.sender, org, ALL_KINDS, ALL_KINDS, ROOT, salt));
        Change memory c = Change(PUT, ADMIN, 0, NEVER, keccak256(data), data);
        records[Ids.record(org, org, ADMIN, c.subject)] = newRecord(0, NEVER, 1, 0, true);
        Tip memory t = _open(org, org);
        _append(t, authors, c);
        _close(t);
    }

    /// @inheritdoc IDPKI
    function write(bytes32 org, Admin calldata admin, Group[] calldata groups) external {
        Writer memory w = _writer(org, admin);
        Change memory c = newChange();
        for (uint256 i = 0; i < groups.length; ++i) {
            Group calldata g = groups[i];
            _checkReach(w, g.scope, g.salt);
            _writeGroup(w, g.scope, g.changes, c);
        }
    }

    function _writeGroup(Writer memory w, bytes32 scope, bytes calldata changes, Change memory c) private {
        Tip memory t = _open(w.org, scope);
        uint256 before = t.seq;
        for (uint256 offset = 0; offset < changes.length;) {
            offset = readChange(changes, offset, c);
            if (c.kind > LAST_KIND || c.kind == GUARDIAN || c.kind == POINTER) revert UnknownKind(uint8(c.kind));
            if (c.kind <= LAST_ORGANISATION_KIND && scope != w.org) revert OrganisationScopeOnly(uint8(c.kind));
            bytes32 key = Ids.record(w.org, scope, c.kind, c.subject);
            Record r = records[key];
            if (c.action == PUT) {
                records[key] = _checkPut(w, t, c, r);
            } else {
                Record after_ = _checkRevoke(w, t, c, r);
                if (r.isRevoked()) continue;
                records[key] = after_;
            }
            _append(t, w.authors, c);
        }
        if (t.seq != before) _close(t);
    }

    /// @dev Reverts if the put breaks a rule.
    /// @return The record to store.
    function _checkPut(Writer memory w, Tip memory t, Change memory c, Record r) private returns (Record) {
        if (w.putMask >> c.kind & 1 == 0) revert NotAllowed(PUT, uint8(c.kind));
        if (r.isUsed()) revert SubjectUsed(c.subject);
        bool organisation = t.scope == w.org;
        bool root = organisation && _put(w, c);
        uint256 start = c.from > block.timestamp ? c.from : block.timestamp;
        if (
            c.until <= start || c.from >= c.until || (!organisation && c.until > block.timestamp + LONGEST)
                || (!root && c.kind != LIMIT && c.until - start > _longest(w, c.kind))
        ) revert InvalidWindow(uint40(c.from), uint40(c.until));
        return newRecord(c.from, c.until, t.seq + 1, w.epoch, root);
    }

    /// @dev Reverts if the revocation breaks a rule. It may come before the put, which is then refused for ever.
    /// @return The record to store.
    function _checkRevoke(Writer memory w, Tip memory t, Change memory c, Record r) private returns (Record) {
        if (c.action != REVOKE) revert UnknownAction(uint8(c.action));
        if (w.revokeMask >> c.kind & 1 == 0) revert NotAllowed(REVOKE, uint8(c.kind));
        if (c.from | c.until != 0) revert InvalidWindow(uint40(c.from), uint40(c.until));
        if (c.kind == LIMIT) revert NotRevocable(LIMIT);
        if (c.kind == ADMIN && !r.isRevoked()) _revokeAdmin(w, c.subject, r);
        return (r.isUsed() ? r : newRecord(0, 0, t.seq + 1, w.epoch, false)).revoked(block.timestamp);
    }

    /// @inheritdoc IDPKI
    function hashOf(bytes32 org, bytes32 scope) external view returns (bytes32 h) {
        return _hashOf(org, scope);
    }

    /// @inheritdoc IDPKI
    function checkpointOf(bytes32 org, bytes32 scope, uint256 i) external view returns (bytes32 h) {
        return _checkpointOf(org, scope, i);
    }

    /// @inheritdoc IDPKI
    function tipOf(bytes32 org, bytes32 scope) external view returns (uint48 seq, uint48 blockNumber, uint40 time) {
        return _tipOf(org, scope);
    }

    /// @inheritdoc IDPKI
    function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject)
        external
        view
        returns (uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch)
    {
        Record r = records[Ids.record(org, scope, kind, subject)];
        return (r.from(), r.until(), r.revokedAt(), r.seq(), r.epoch());
    }

    /// @inheritdoc IDPKI
    function organisationOf(bytes32 org) external view returns (uint32 epoch, uint32 roots) {
        return (organisations[org].epoch, organisations[org].roots);
    }

    /// @inheritdoc IDPKI
    function limitOf(bytes32 org, uint8 kind) external view returns (uint8 approvals, uint40 longest) {
        if (kind > LAST_KIND) revert UnknownKind(kind);
        Limit memory l = limits[org][kind];
        return l.approvals == 0 ? (1, NEVER) : (l.approvals, l.longest);
    }
}
