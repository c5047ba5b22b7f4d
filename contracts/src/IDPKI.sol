// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an account may do in an organisation. Its id, the subject of the ADMIN entry that made it, is
/// keccak256(abi.encode(admin)); a caller shows the whole of it and only the id's record is stored.
/// @param account An EOA, or a contract (a Safe, any ERC-1271 wallet).
/// @param power The organisation: reaches every scope. Else a scope: reaches it and its mailboxes.
/// @param putMask Bit k: may put kind k.
/// @param revokeMask Bit k: may revoke kind k.
/// @param flags Bit 0: root, which requires power = organisation, all mask bits, no end. Other bits are zero.
/// @param salt Makes two otherwise equal admins different, so that one who was revoked can be made again.
struct Admin {
    address account;
    bytes32 power;
    uint96 putMask;
    uint96 revokeMask;
    uint8 flags;
    bytes32 salt;
}

/// @notice Changes to one scope.
/// @param scope The organisation's id, a zone's or a mailbox's.
/// @param salt For a mailbox reached by zone power: its commitment. Else zero.
/// @param changes One after the other, nothing between and nothing after, integers big endian:
/// u8 action | u8 kind | u16 data length | u40 from | u40 until | 32 bytes subject | data.
/// Packed by hand because the ABI's own encoding of the same costs 1,000 gas more a change.
struct Group {
    bytes32 scope;
    bytes32 salt;
    bytes changes;
}

/// @notice One admin's consent to a write.
/// @param admin The signer's power; what is written must be within it.
/// @param signature Over digestOf: by the account's key, or what the account accepts by ERC-1271.
struct Approval {
    Admin admin;
    bytes signature;
}

/// @notice One guardian's consent to a write.
/// @param guardian Which one: its place in the guardians shown, from 0.
/// @param signature Over digestOf: by the account's key, or what the account accepts by ERC-1271.
struct Consent {
    uint8 guardian;
    bytes signature;
}

/// @title The registry of keys, grants and revocations of all organisations on this chain
/// @notice Each organisation writes append-only logs, one a scope, and readers prove one word a log: its running hash.
/// Nobody owns this contract, nothing in it can be replaced, and no organisation has power over another.
/// @dev docs/formats.md, sections 1 to 4, is the normative text for ids, entries, kinds and authority.
interface IDPKI {
    /// @notice An entry was appended to a scope's log.
    /// @param org The organisation.
    /// @param scope The scope.
    /// @param head 24 zero bits | action 8 | kind 8 | seq 48 | block of the scope's entry before 48 | time 40 | from 40 | until 40.
    /// @param subject What the entry is about.
    /// @param authors Who signed, strictly ascending. A direct write has one, the caller.
    /// @param data At most 1,024 bytes, usually sealed.
    event Appended(
        bytes32 indexed org, bytes32 indexed scope, bytes32 head, bytes32 subject, address[] authors, bytes data
    );

    /// @notice Thrown when the caller has already created an organisation with this salt.
    error OrganisationExists(bytes32 org);
    /// @notice Thrown when the admin shown is not the caller's, was never made, is revoked, outside its window or of an older epoch.
    error NotAdmin(bytes32 admin);
    /// @notice Thrown when the scope is not the admin's, nor a mailbox of it by the salt shown.
    error OutOfReach(bytes32 scope);
    /// @notice Thrown when the admin's mask for this action lacks the kind; when an admin acts as guardians do, or guardians
    /// as admins; or when somebody vetoes who is not root.
    error NotAllowed(uint8 action, uint8 kind);
    /// @notice Thrown when the last change does not end where the changes do, if nothing else was wrong before.
    error MalformedChanges();
    /// @notice Thrown when the action is none that a change may have.
    error UnknownAction(uint8 action);
    /// @notice Thrown when the kind is above 95.
    error UnknownKind(uint8 kind);
    /// @notice Thrown when a kind of the organisation's is written to another scope.
    error OrganisationScopeOnly(uint8 kind);
    /// @notice Thrown when data is longer than 1,024 bytes, or an action that has none has some.
    error DataTooLong(uint256 length);
    /// @notice Thrown when a put has ended already, starts at or after its end, or outlives what its scope or kind allows;
    /// when a revoke or an action has a window that has none; when a freeze has ended already or lasts longer than seven days;
    /// when a POINTER to a successor counts before the guardians' timelock is over.
    error InvalidWindow(uint40 from, uint40 until);
    /// @notice Thrown when the subject was put before, or revoked before it was put.
    error SubjectUsed(bytes32 subject);
    /// @notice Thrown when the data of an ADMIN entry is not an Admin in canonical form, breaks the rules of root, or does not hash to the subject.
    error InvalidAdmin(bytes32 subject);
    /// @notice Thrown when an admin makes another with more than its own masks, power or time, or a root without being root.
    error BeyondMaker(bytes32 subject);
    /// @notice Thrown when a root admin is revoked by who is not root, or is the last, or fewer would be left than a kind needs
    /// approvals.
    error RootProtected(bytes32 subject);
    /// @notice Thrown when a root admin is made whose account is one's already.
    error RootExists(address account);
    /// @notice Thrown when the data of a LIMIT entry is not canonical or out of range.
    error InvalidLimit();
    /// @notice Thrown when a LIMIT would let ADMIN, LIMIT, GUARDIAN, DISTRUST, POINTER or POLICY need fewer approvals than
    /// another kind, or more than there are root admins.
    error InvalidThreshold(uint8 kind, uint8 approvals);
    /// @notice Thrown when the kind needs more approvals than the write has; a direct write has one.
    error ApprovalsNeeded(uint8 kind, uint8 approvals);
    /// @notice Thrown when there are no approvals, more than 16, or their accounts are not strictly ascending.
    error InvalidApprovals();
    /// @notice Thrown when the signature is not the account's over what is written.
    error InvalidSignature(address account);
    /// @notice Thrown when the time until which the approvals hold is over.
    error DeadlinePassed(uint40 deadline);
    /// @notice Thrown when what was approved has been written already.
    error AlreadyWritten(bytes32 digest);
    /// @notice Thrown when the data of a DISTRUST entry is not canonical or its interval is reversed or not past.
    error InvalidDistrust();
    /// @notice Thrown when an entry of this kind is revoked: it is superseded by the next instead.
    error NotRevocable(uint8 kind);
    /// @notice Thrown when guardians have frozen the organisation and the entry is none that a freeze lets through.
    error Frozen(uint40 until);
    /// @notice Thrown when a freeze comes before as much time has passed as the one before was to last.
    error CoolingDown(uint40 until);
    /// @notice Thrown when the data of a GUARDIAN entry is not canonical, breaks a bound, or does not hash to the subject.
    error InvalidGuardians(bytes32 subject);
    /// @notice Thrown when the guardians shown are not those in force.
    error NotGuardians(bytes32 subject);
    /// @notice Thrown when the data of a recovery is not canonical, names no root or a threshold that they do not reach, or does
    /// not hash to the subject.
    error InvalidRecovery(bytes32 subject);
    /// @notice Thrown when no such recovery waits.
    error NoRecovery(bytes32 subject);
    /// @notice Thrown when the recovery's timelock is not over.
    error TooEarly(uint40 from);
    /// @notice Thrown when what is vetoed does not wait any more, never did, or is a recovery that g2 guardians approved.
    error NotVetoable(bytes32 subject);
    /// @notice Thrown when the data of a POINTER entry is not canonical or names this organisation itself.
    error InvalidPointer();

    /// @notice Creates an organisation, whose first entry makes the caller its root admin:
    /// Admin(caller, organisation, all, all, root, salt).
    /// @param salt Free choice; the organisation's id follows from chain, contract, caller and salt.
    /// @return org The organisation's id.
    function createOrganisation(bytes32 salt) external returns (bytes32 org);

    /// @notice Appends changes, all or none.
    /// @dev A revoke of what is revoked succeeds and appends nothing.
    /// @param org The organisation.
    /// @param admin The caller's own power.
    /// @param groups The changes by scope.
    function write(bytes32 org, Admin calldata admin, Group[] calldata groups) external;

    /// @notice Appends changes, all or none, that several admins have approved. Anyone may send it, once.
    /// @dev The entries' authors are the approvers. Each of them must have the power to write all of it alone.
    /// @param org The organisation.
    /// @param groups The changes by scope.
    /// @param nonce Free choice; makes two otherwise equal writes different. In no order.
    /// @param deadline The last second in which it may be sent.
    /// @param approvals 1 to 16, by strictly ascending account.
    function writeApproved(
        bytes32 org,
        Group[] calldata groups,
        bytes32 nonce,
        uint40 deadline,
        Approval[] calldata approvals
    ) external;

    /// @notice Appends what guardians may do, all or none: FREEZE, RECOVER, and VETO of a POINTER. Anyone may send it, once.
    /// @dev The entries' authors are the guardians that consented, at least g.
    /// @param org The organisation.
    /// @param guardians The data of the GUARDIAN entry in force.
    /// @param groups The changes, in the organisation's scope.
    /// @param nonce As in writeApproved.
    /// @param deadline As in writeApproved.
    /// @param consents By strictly ascending guardian.
    function writeGuarded(
        bytes32 org,
        bytes calldata guardians,
        Group[] calldata groups,
        bytes32 nonce,
        uint40 deadline,
        Consent[] calldata consents
    ) external;

    /// @notice Ends the organisation's epoch, after the timelock of a recovery that was not vetoed: all admins and limits are
    /// void, a freeze is over, a change of guardians that waited is dropped. Anyone may send it.
    /// @dev Appends COMPLETE and the ADMIN entries of the new root admins, whose salt is the running hash after COMPLETE. Their
    /// authors are the guardians that consented to the recovery.
    /// @param org The organisation.
    /// @param guardians The data of the GUARDIAN entry in force.
    /// @param recovery The data of the RECOVER entry.
    function completeRecovery(bytes32 org, bytes calldata guardians, bytes calldata recovery) external;

    /// @notice What approvers and guardians sign: EIP-712, domain (name "DPKI", version "1", chain, this contract), type
    /// Write(bytes32 org,uint32 epoch,Group[] groups,bytes32 nonce,uint40 deadline)
    /// Group(bytes32 scope,bytes32 salt,bytes changes), without the space between. A new epoch voids it.
    function digestOf(bytes32 org, Group[] calldata groups, bytes32 nonce, uint40 deadline)
        external
        view
        returns (bytes32 digest);

    /// @notice Whether an approved write has been sent.
    function isWritten(bytes32 digest) external view returns (bool);

    /// @notice The running hash, h0 if the scope has no entry. Readers that do not trust the node prove slot 0 instead.
    function hashOf(bytes32 org, bytes32 scope) external view returns (bytes32 h);

    /// @notice The running hash at sequence 1,024 * i, or zero. Readers that do not trust the node prove slot 1 instead.
    function checkpointOf(bytes32 org, bytes32 scope, uint256 i) external view returns (bytes32 h);

    /// @notice The last entry of a scope: its sequence (0: none), block and time.
    function tipOf(bytes32 org, bytes32 scope) external view returns (uint48 seq, uint48 blockNumber, uint40 time);

    /// @notice What is stored of a subject.
    /// @return from Start of the window.
    /// @return until End of the window; 0 if never put.
    /// @return revokedAt When it was revoked; 0 if it was not.
    /// @return seq The entry that used the subject first; 0 if none did.
    /// @return epoch The organisation's epoch then.
    function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject)
        external
        view
        returns (uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch);

    /// @notice An organisation's epoch and number of root admins (0: no such organisation).
    function organisationOf(bytes32 org) external view returns (uint32 epoch, uint32 roots);

    /// @notice Approvals that a kind needs, and its longest validity in seconds (2^40-1: no limit of its own).
    function limitOf(bytes32 org, uint8 kind) external view returns (uint8 approvals, uint40 longest);

    /// @notice The guardians of an organisation.
    /// @return guardians Subject of the GUARDIAN entry in force, or zero.
    /// @return timelock Seconds between a recovery and its completion; 0 if there are no guardians.
    /// @return pending Subject of the GUARDIAN entry that waits to come in force, or zero.
    /// @return pendingFrom When it does, unless a recovery waits: then not before its end.
    function guardiansOf(bytes32 org)
        external
        view
        returns (bytes32 guardians, uint40 timelock, bytes32 pending, uint40 pendingFrom);

    /// @notice The recovery that waits.
    /// @return recovery Its subject, or zero.
    /// @return completeFrom When it may be completed.
    /// @return isFinal Whether g2 guardians approved it, so that it cannot be vetoed.
    /// @return isVetoed Whether one was vetoed since these guardians are in force, so that only a final one may follow.
    function recoveryOf(bytes32 org)
        external
        view
        returns (bytes32 recovery, uint40 completeFrom, bool isFinal, bool isVetoed);

    /// @notice The latest freeze.
    /// @return until Its end.
    /// @return coolUntil When the next may begin.
    function freezeOf(bytes32 org) external view returns (uint40 until, uint40 coolUntil);
}
