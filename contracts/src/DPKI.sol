// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Approvals} from "./Approvals.sol";
import {Authority} from "./Authority.sol";
import {DRAFT, Draft, isBadPut, isPlain, newDraft, readChange, reserveDraft} from "./Draft.sol";
import {Admin, Approval, Consent, Group, IDPKI} from "./IDPKI.sol";
import {Ids} from "./Ids.sol";
import {
    ADMIN,
    ALL_KINDS,
    COMPLETE,
    FROZEN_PUTS,
    FROZEN_REVOKES,
    GUARDIAN,
    LAST_KIND,
    LAST_ORGANISATION_KIND,
    LIMIT,
    LONGEST,
    MAX_AUTHORS,
    NEVER,
    POINTER,
    PUT,
    REVOKE,
    ROOT,
    WINDOW
} from "./Kinds.sol";
import {Record, newRecord} from "./Record.sol";

/// @title The registry
/// @dev No constructor, no immutables, no metadata: the same code, and so the same code hash, on every chain.
contract DPKI is IDPKI, Authority {
    /// @dev What was approved and written, by the digest that was signed.
    mapping(bytes32 digest => bool) private written;

    /// @inheritdoc IDPKI
    function createOrganisation(bytes32 salt) external returns (bytes32 org) {
        reserveDraft();
        Draft memory d = newDraft(1);
        d.setAuthor(0, msg.sender);
        org = Ids.organisation(msg.sender, salt);
        if (organisations[org].roots != 0) revert OrganisationExists(org);
        Scope storage s = scopes[org][org];
        uint256 stamp = _open(s, d, org, org);
        _installRoot(d, 0, stamp, org, msg.sender, salt);
        _close(s, d, d.seq);
    }

    /// @inheritdoc IDPKI
    function write(bytes32 org, Admin calldata admin, Group[] calldata groups) external {
        reserveDraft();
        Draft memory d = newDraft(1);
        d.setAuthor(0, msg.sender);
        Organisation storage o = organisations[org];
        uint256 epoch = o.epoch;
        uint256 limited = o.limited;
        uint256 frozenUntil = o.frozenUntil;
        Record r = _live(org, epoch, admin, msg.sender);
        Writer memory w =
            Writer(org, epoch, limited, 1, admin.putMask, admin.revokeMask, r.until(), r.isRoot(), 0, 0, o.quick);
        if (block.timestamp < frozenUntil) _restrain(w, frozenUntil);
        d.plain = _plain(w);
        for (uint256 i = 0; i < groups.length; ++i) {
            Group calldata g = groups[i];
            _checkReach(org, admin.power, g.scope, g.salt);
            _writeGroup(w, d, g.scope, g.changes);
        }
    }

    /// @inheritdoc IDPKI
    function writeApproved(
        bytes32 org,
        Group[] calldata groups,
        bytes32 nonce,
        uint40 deadline,
        Approval[] calldata approvals
    ) external {
        reserveDraft();
        uint256 count = approvals.length;
        _checkAuthors(count);
        Draft memory d = newDraft(count);
        Organisation storage o = organisations[org];
        Writer memory w = Writer(org, o.epoch, o.limited, count, ALL_KINDS, ALL_KINDS, NEVER, true, 0, 0, o.quick);
        bytes32 digest = _take(w, groups, nonce, deadline);
        address last;
        for (uint256 i = 0; i < count; ++i) {
            Admin calldata admin = approvals[i].admin;
            address account = admin.account;
            if (account <= last) revert InvalidApprovals();
            last = account;
            _join(w, admin, _live(org, w.epoch, admin, account));
            _checkSignature(account, digest, approvals[i].signature);
            d.setAuthor(i, account);
        }
        uint256 frozenUntil = o.frozenUntil;
        if (block.timestamp < frozenUntil) _restrain(w, frozenUntil);
        d.plain = _plain(w);
        for (uint256 i = 0; i < groups.length; ++i) {
            Group calldata g = groups[i];
            for (uint256 j = 0; j < count; ++j) {
                _checkReach(org, approvals[j].admin.power, g.scope, g.salt);
            }
            _writeGroup(w, d, g.scope, g.changes);
        }
    }

    /// @inheritdoc IDPKI
    function writeGuarded(
        bytes32 org,
        bytes calldata guardians,
        Group[] calldata groups,
        bytes32 nonce,
        uint40 deadline,
        Consent[] calldata consents
    ) external {
        reserveDraft();
        uint256 count = consents.length;
        _checkAuthors(count);
        Draft memory d = newDraft(count);
        Writer memory w = Writer(org, organisations[org].epoch, 0, count, 0, 0, 0, false, 0, 0, 0);
        bytes32 digest = _take(w, groups, nonce, deadline);
        (uint256 n, uint256 first, uint256 second) = _shown(_settle(org), guardians);
        if (count < first) revert ApprovalsNeeded(GUARDIAN, uint8(first));
        uint256 who = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 guardian = consents[i].guardian;
            // Strictly ascending: no bit is set from this one on.
            if (guardian >= n || who >> guardian != 0) revert InvalidApprovals();
            who |= 1 << guardian;
            address account = _guardian(guardians, guardian);
            _checkSignature(account, digest, consents[i].signature);
            d.setAuthor(i, account);
        }
        w.guard = who | second << MAX_AUTHORS;
        for (uint256 i = 0; i < groups.length; ++i) {
            _writeGroup(w, d, groups[i].scope, groups[i].changes);
        }
    }

    /// @inheritdoc IDPKI
    function completeRecovery(bytes32 org, bytes calldata guardians, bytes calldata recovery) external {
        reserveDraft();
        uint256 recoverers = guards[org].recoverers;
        uint256 authors = 0;
        for (uint256 i = 0; i < MAX_AUTHORS; ++i) {
            authors += recoverers >> i & 1;
        }
        Draft memory d = newDraft(authors);
        _shown(_settle(org), guardians);
        uint256 epoch = _complete(org, recovery);
        authors = 0;
        for (uint256 i = 0; i < MAX_AUTHORS; ++i) {
            if (recoverers >> i & 1 == 1) d.setAuthor(authors++, _guardian(guardians, i));
        }
        Scope storage s = scopes[org][org];
        uint256 stamp = _open(s, d, org, org);
        _append(d.set(COMPLETE, GUARDIAN, keccak256(recovery), 0, ""), stamp, org, org);
        // What nobody could know before this entry: a salt that could be foreseen would let those who are to be replaced
        // revoke the new admins beforehand.
        bytes32 salt = d.previous;
        address[] memory roots = _newRoots(recovery);
        for (uint256 i = 0; i < roots.length; ++i) {
            stamp += 1 << 168;
            _installRoot(d, epoch, stamp, org, roots[i], salt);
        }
        _close(s, d, d.seq);
    }

    /// @dev Appends the ADMIN entry of a root admin whom no admin makes.
    function _installRoot(Draft memory d, uint256 epoch, uint256 stamp, bytes32 org, address account, bytes32 salt)
        private
    {
        bytes memory data = abi.encode(Admin(account, org, ALL_KINDS, ALL_KINDS, ROOT, salt));
        bytes32 id = keccak256(data);
        _addRoot(org, account, id);
        scopes[org][org].records[ADMIN][id].record = newRecord(NEVER, stamp >> 168, epoch).asRoot();
        _append(d.set(PUT, ADMIN, id, NEVER, data), stamp, org, org);
    }

    function _checkAuthors(uint256 count) private pure {
        if (count == 0 || count > MAX_AUTHORS) revert InvalidApprovals();
    }

    /// @dev What is signed, once.
    function _take(Writer memory w, Group[] calldata groups, bytes32 nonce, uint40 deadline)
        private
        returns (bytes32 digest)
    {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        digest = Approvals.digest(w.org, w.epoch, groups, nonce, deadline);
        if (written[digest]) revert AlreadyWritten(digest);
        written[digest] = true;
    }

    /// @dev A view of a foreign contract where the account is one, so nothing can change meanwhile.
    function _checkSignature(address account, bytes32 digest, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNowCalldata(account, digest, signature)) {
            revert InvalidSignature(account);
        }
    }

    /// @dev Leaves a writer what a freeze does not stop.
    function _restrain(Writer memory w, uint256 frozenUntil) private pure {
        w.frozenUntil = frozenUntil;
        w.putMask &= FROZEN_PUTS;
        w.revokeMask &= FROZEN_REVOKES;
    }

    /// @dev Kinds that the writer may put and that have no rules of their own.
    function _plain(Writer memory w) private pure returns (uint256) {
        return w.putMask & ~w.limited & ~((uint256(2) << LAST_ORGANISATION_KIND) - 1);
    }

    /// @dev Together authors may do what each of them may.
    function _join(Writer memory w, Admin calldata admin, Record r) private pure {
        w.putMask &= admin.putMask;
        w.revokeMask &= admin.revokeMask;
        if (r.until() < w.until) w.until = r.until();
        w.root = w.root && r.isRoot();
    }

    /// @dev Appends the changes to one scope, which the writer's power reaches.
    function _writeGroup(Writer memory w, Draft memory d, bytes32 scope, bytes calldata changes) private {
        unchecked {
            // Which it is already. Told so, the compiler needs no stack slot for it, and what the loop uses stays on the stack
            // instead of in memory: 30 gas an entry.
            assembly ("memory-safe") {
                d := DRAFT
            }
            bytes32 org = w.org;
            Scope storage s = scopes[org][scope];
            uint256 stamp = _open(s, d, org, scope);
            d.seq = 0;
            // What does not change from one entry to the next.
            uint256 records = _records(s);
            uint256 longest = scope == org ? NEVER - block.timestamp : LONGEST;
            uint256 epoch = w.epoch;
            uint256 next;
            assembly ("memory-safe") {
                next := changes.offset
            }
            uint256 end = next + changes.length;
            while (next < end) {
                uint256 head;
                (head, next) = readChange(next);
                Cell storage cell = _cell(records, head);
                Record r = cell.record;
                if (d.action == PUT) {
                    if (isBadPut(r, longest)) _refusePut(d, r);
                    r = newRecord(head & WINDOW, stamp >> 168, epoch);
                    if (!isPlain()) r = _putByRules(w, d, r, scope);
                } else if (d.action == REVOKE) {
                    _revoke(w, d, r, scope);
                    if (r.isRevoked()) continue;
                    if (!r.isUsed()) r = newRecord(0, stamp >> 168, epoch);
                    r = r.revoked(block.timestamp);
                } else {
                    r = _act(w, d, scope, r);
                }
                cell.record = r;
                _append(head, stamp, org, scope);
                stamp += 1 << 168;
            }
            if (next != end) revert MalformedChanges();
            if (d.seq != 0) _close(s, d, d.seq);
        }
    }

    /// @dev Says which of isBadPut's rules is broken.
    function _refusePut(Draft memory d, Record r) private pure {
        if (r.isUsed()) revert SubjectUsed(d.subject);
        revert InvalidWindow(uint40(d.from), uint40(d.until));
    }

    /// @dev Reverts if the put breaks a rule of its kind, or the writer may not put the kind.
    /// @param r What would be stored of the subject.
    /// @return What to store.
    function _putByRules(Writer memory w, Draft memory d, Record r, bytes32 scope) private returns (Record) {
        unchecked {
            uint256 kind = d.kind;
            // No mask has a bit above LAST_KIND's.
            if (w.putMask >> kind & 1 == 0) _refuse(w, PUT, kind);
            uint256 longest = w.limited >> kind & 1 == 0 ? NEVER : _checkLimit(w, kind);
            if (kind <= LAST_ORGANISATION_KIND) {
                if (_putOrganisationKind(w, d, scope)) return r.asRoot();
                // Some never end, whatever the limit, and neither do root admins.
                if (1 << kind & (1 << LIMIT | 1 << GUARDIAN | 1 << POINTER) != 0) return r;
            }
            uint256 start = d.from > block.timestamp ? d.from : block.timestamp;
            if (d.until - start > longest && d.until - start > _longest(w, kind)) {
                revert InvalidWindow(uint40(d.from), uint40(d.until));
            }
            return r;
        }
    }

    /// @dev Reverts if the revocation breaks a rule. It may come before the put, which is then refused for ever.
    /// @param r What is stored of the subject.
    function _revoke(Writer memory w, Draft memory d, Record r, bytes32 scope) private {
        uint256 kind = d.kind;
        if (w.revokeMask >> kind & 1 == 0) _refuse(w, REVOKE, kind);
        if (d.from | d.until != 0) revert InvalidWindow(uint40(d.from), uint40(d.until));
        if (w.limited >> kind & 1 != 0) _checkLimit(w, kind);
        // With this return the compiler leaves the function out of the loop, whose variables then fit the stack.
        if (kind > LAST_ORGANISATION_KIND) return;
        _revokeOrganisationKind(w, d, scope, r);
    }

    /// @dev Says why a mask does not have a kind.
    function _refuse(Writer memory w, uint8 action, uint256 kind) private pure {
        if (kind > LAST_KIND) revert UnknownKind(uint8(kind));
        uint256 passed = action == PUT ? FROZEN_PUTS : FROZEN_REVOKES;
        if (w.frozenUntil != 0 && passed >> kind & 1 == 0) revert Frozen(uint40(w.frozenUntil));
        revert NotAllowed(action, uint8(kind));
    }

    /// @inheritdoc IDPKI
    function digestOf(bytes32 org, Group[] calldata groups, bytes32 nonce, uint40 deadline)
        external
        view
        returns (bytes32 digest)
    {
        return Approvals.digest(org, organisations[org].epoch, groups, nonce, deadline);
    }

    /// @inheritdoc IDPKI
    function isWritten(bytes32 digest) external view returns (bool) {
        return written[digest];
    }

    /// @inheritdoc IDPKI
    function hashOf(bytes32 org, bytes32 scope) external view returns (bytes32 h) {
        Scope storage s = scopes[org][scope];
        return s.tip == 0 ? Ids.emptyHash(org, scope) : s.hash;
    }

    /// @inheritdoc IDPKI
    function checkpointOf(bytes32 org, bytes32 scope, uint256 i) external view returns (bytes32 h) {
        return checkpoints[org][scope][i];
    }

    /// @inheritdoc IDPKI
    function tipOf(bytes32 org, bytes32 scope) external view returns (uint48 seq, uint48 blockNumber, uint40 time) {
        uint256 tip = scopes[org][scope].tip;
        return (uint48(tip), uint48(tip >> 48), uint40(tip >> 96));
    }

    /// @inheritdoc IDPKI
    function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject)
        external
        view
        returns (uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch)
    {
        Record r = scopes[org][scope].records[kind][subject].record;
        return (r.from(), r.until(), r.revokedAt(), r.seq(), r.epoch());
    }

    /// @inheritdoc IDPKI
    function organisationOf(bytes32 org) external view returns (uint32 epoch, uint32 roots) {
        return (organisations[org].epoch, organisations[org].roots);
    }

    /// @inheritdoc IDPKI
    function limitOf(bytes32 org, uint8 kind) external view returns (uint8 approvals, uint40 longest) {
        if (kind > LAST_KIND) revert UnknownKind(kind);
        Limit memory l = organisations[org].limits[organisations[org].epoch][kind];
        return l.approvals == 0 ? (1, NEVER) : (l.approvals, l.longest);
    }

    /// @inheritdoc IDPKI
    function guardiansOf(bytes32 org)
        external
        view
        returns (bytes32 guardians, uint40 timelock, bytes32 pending, uint40 pendingFrom)
    {
        Guard storage g = guards[org];
        if (_isDue(g)) return (g.pending, g.nextTimelock, 0, 0);
        return (g.id, g.timelock, g.pending, g.pending == 0 ? 0 : g.changeAt);
    }

    /// @inheritdoc IDPKI
    function recoveryOf(bytes32 org)
        external
        view
        returns (bytes32 recovery, uint40 completeFrom, bool isFinal, bool isVetoed)
    {
        Guard storage g = guards[org];
        if (g.recovery == 0) return (0, 0, false, g.isVetoed && !_isDue(g));
        return (g.recovery, g.recoverAt, g.isFinal, g.isVetoed);
    }

    /// @inheritdoc IDPKI
    function freezeOf(bytes32 org) external view returns (uint40 until, uint40 coolUntil) {
        return (organisations[org].frozenUntil, guards[org].coolUntil);
    }
}
