// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Draft} from "./Draft.sol";
import {IDPKI} from "./IDPKI.sol";
import {
    ADMIN,
    COMPLETE,
    FREEZE,
    GUARDIAN,
    LONGEST_FREEZE,
    MAX_AUTHORS,
    MAX_TIMELOCK,
    MIN_TIMELOCK,
    NEVER,
    POINTER,
    PREDECESSOR,
    RECOVER,
    SUCCESSOR,
    VETO
} from "./Kinds.sol";
import {Organisations} from "./Organisations.sol";
import {Record} from "./Record.sol";
import {STRONG, Thresholds} from "./Thresholds.sol";

/// @dev Those who can stop an organisation's admins and replace them, and write nothing else: g of n freeze at once and
/// recover after a timelock, in which the root admins may veto, once; g2 of n cannot be vetoed. Who the guardians are is
/// shown by the caller, like an Admin, and only the id is stored.
abstract contract Guardians is Organisations {
    /// @param id Subject of the GUARDIAN entry in force, or zero. Its guardians may be none.
    /// @param pending That of the entry which waits to replace it, or zero.
    /// @param recovery Subject of the recovery that waits, or zero. As long as one does, `pending` does not come in force.
    /// @param timelock Of the guardians in force, seconds. Zero if there are none.
    /// @param nextTimelock Of those that wait.
    /// @param changeAt When those come in force.
    /// @param recoverAt When the recovery may be completed.
    /// @param coolUntil When the next freeze may begin.
    /// @param recoverers Who approved the recovery: bit i is the i-th guardian.
    /// @param isFinal g2 did: it cannot be vetoed.
    /// @param isVetoed A recovery was vetoed since these guardians are in force: only a final one may follow.
    struct Guard {
        bytes32 id;
        bytes32 pending;
        bytes32 recovery;
        uint24 timelock;
        uint24 nextTimelock;
        uint40 changeAt;
        uint40 recoverAt;
        uint40 coolUntil;
        uint16 recoverers;
        bool isFinal;
        bool isVetoed;
    }

    mapping(bytes32 org => Guard) internal guards;

    /// @dev Where the accounts begin in the data of a GUARDIAN entry: after salt, timelock, g and g2.
    uint256 private constant GUARDIANS_HEAD = 128;
    /// @dev And in that of a RECOVER: after salt and threshold.
    uint256 private constant ROOTS_HEAD = 64;

    /// @dev Puts a change of guardians in force whose time has come. First of all wherever they matter.
    function _settle(bytes32 org) internal returns (Guard storage g) {
        g = guards[org];
        if (!_isDue(g)) return g;
        g.id = g.pending;
        g.timelock = g.nextTimelock;
        g.pending = 0;
        g.isVetoed = false;
    }

    function _isDue(Guard storage g) internal view returns (bool) {
        return g.pending != 0 && g.recovery == 0 && block.timestamp >= g.changeAt;
    }

    /// @dev Reads the guardians that the caller shows; they were checked when they were put.
    /// @return count n.
    /// @return first g.
    /// @return second g2.
    function _shown(Guard storage g, bytes calldata guardians)
        internal
        view
        returns (uint256 count, uint256 first, uint256 second)
    {
        bytes32 id = keccak256(guardians);
        if (g.id != id) revert IDPKI.NotGuardians(id);
        (,, first, second) = abi.decode(guardians, (uint256, uint256, uint256, uint256));
        return ((guardians.length - GUARDIANS_HEAD) / 32, first, second);
    }

    /// @param guardians As _shown has checked them.
    function _guardian(bytes calldata guardians, uint256 i) internal pure returns (address) {
        uint256 start = GUARDIANS_HEAD + 32 * i;
        return address(uint160(uint256(bytes32(guardians[start:start + 32]))));
    }

    /// @dev A put of GUARDIAN. In force at once where there are none, else after twice the timelock: they have the time
    /// to see it and to recover, which suspends it.
    function _putGuardians(Writer memory w, Draft memory d) internal {
        _checkForever(d);
        (uint256 count, bool ascending) = _accounts(d.data, GUARDIANS_HEAD);
        if (!ascending || keccak256(d.data) != d.subject) revert IDPKI.InvalidGuardians(d.subject);
        (, uint256 timelock, uint256 first, uint256 second) = abi.decode(d.data, (uint256, uint256, uint256, uint256));
        bool good = count == 0
            ? timelock | first | second == 0
            : first != 0 && first <= second && second <= count && timelock >= MIN_TIMELOCK && timelock <= MAX_TIMELOCK;
        if (!good) revert IDPKI.InvalidGuardians(d.subject);
        Guard storage g = _settle(w.org);
        if (g.timelock == 0) {
            g.id = d.subject;
            g.timelock = uint24(timelock);
            g.isVetoed = false;
        } else {
            g.pending = d.subject;
            g.nextTimelock = uint24(timelock);
            g.changeAt = _after(2 * uint256(g.timelock));
        }
    }

    /// @dev A revocation of GUARDIAN withdraws a change that waits. Those in force are replaced, never removed at once.
    function _revokeGuardians(Writer memory w, Draft memory d) internal {
        Guard storage g = _settle(w.org);
        if (d.subject == g.id) revert IDPKI.NotRevocable(GUARDIAN);
        if (d.subject == g.pending) g.pending = 0;
    }

    /// @dev A put of POINTER. As many approvals as any kind needs; that to a successor counts after the timelock only,
    /// in which the guardians may veto it.
    function _putPointer(Writer memory w, Draft memory d) internal {
        uint256 needed = organisations[w.org].thresholds.highest();
        if (w.authors < needed) revert IDPKI.ApprovalsNeeded(POINTER, uint8(needed));
        if (d.data.length != 128) revert IDPKI.InvalidPointer();
        (uint256 direction, uint256 chain, uint256 registry, bytes32 org) =
            abi.decode(d.data, (uint256, uint256, uint256, bytes32));
        if (
            direction < SUCCESSOR || direction > PREDECESSOR || chain == 0 || chain > type(uint64).max || registry == 0
                || registry > type(uint160).max || org == 0 || org == w.org
        ) revert IDPKI.InvalidPointer();
        uint256 timelock = _settle(w.org).timelock;
        uint256 earliest = block.timestamp + (timelock == 0 ? MIN_TIMELOCK : timelock);
        if (d.until != NEVER || direction == SUCCESSOR && d.from < earliest) {
            revert IDPKI.InvalidWindow(uint40(d.from), uint40(d.until));
        }
    }

    /// @dev Neither put nor revocation.
    /// @param r What is stored of the subject.
    /// @return What to store.
    function _act(Writer memory w, Draft memory d, bytes32 scope, Record r) internal returns (Record) {
        uint256 action = d.action;
        if (action < FREEZE || action > VETO) revert IDPKI.UnknownAction(uint8(action));
        bool pointer = action == VETO && w.guard != 0;
        bool byGuardians = action != VETO || pointer;
        if (byGuardians != (w.guard != 0) || d.kind != (pointer ? POINTER : GUARDIAN)) {
            revert IDPKI.NotAllowed(uint8(action), uint8(d.kind));
        }
        if (scope != w.org) revert IDPKI.OrganisationScopeOnly(uint8(d.kind));
        if (d.from != 0 || action != FREEZE && d.until != 0) {
            revert IDPKI.InvalidWindow(uint40(d.from), uint40(d.until));
        }
        if (action == RECOVER) {
            _recover(w, d);
            return r;
        }
        if (d.data.length != 0) revert IDPKI.DataTooLong(d.data.length);
        if (pointer) return _vetoPointer(d, r);
        if (action == FREEZE) _freeze(w, d);
        else _vetoRecovery(w, d);
        return r;
    }

    /// @dev A freeze within a freeze ends it sooner. The next one begins after as long a time as this one was to last.
    function _freeze(Writer memory w, Draft memory d) private {
        uint256 until = d.until;
        if (until <= block.timestamp || until - block.timestamp > LONGEST_FREEZE) {
            revert IDPKI.InvalidWindow(0, uint40(until));
        }
        Organisation storage o = organisations[w.org];
        Guard storage g = guards[w.org];
        bool sooner = block.timestamp < o.frozenUntil && until < o.frozenUntil;
        if (!sooner) {
            if (block.timestamp < g.coolUntil) revert IDPKI.CoolingDown(g.coolUntil);
            g.coolUntil = uint40(2 * until - block.timestamp);
        }
        o.frozenUntil = uint40(until);
    }

    function _recover(Writer memory w, Draft memory d) private {
        (uint256 count, bool ascending) = _accounts(d.data, ROOTS_HEAD);
        if (!ascending || count == 0 || keccak256(d.data) != d.subject) revert IDPKI.InvalidRecovery(d.subject);
        (, uint256 threshold) = abi.decode(d.data, (uint256, uint256));
        if (threshold == 0 || threshold > count) revert IDPKI.InvalidRecovery(d.subject);
        Guard storage g = guards[w.org];
        uint256 second = w.guard >> MAX_AUTHORS;
        bool isFinal = w.authors >= second;
        // Fewer may not undo what g2 want.
        if (!isFinal && (g.isVetoed || g.recovery != 0 && g.isFinal)) {
            revert IDPKI.ApprovalsNeeded(GUARDIAN, uint8(second));
        }
        g.recovery = d.subject;
        g.recoverAt = _after(g.timelock);
        g.recoverers = uint16(w.guard);
        g.isFinal = isFinal;
    }

    /// @dev By as many root admins as make an admin. What was suspended waits anew: the guardians have the time to
    /// gather g2.
    function _vetoRecovery(Writer memory w, Draft memory d) private {
        if (w.limited >> ADMIN & 1 != 0) _checkLimit(w, ADMIN);
        if (!w.root) revert IDPKI.NotAllowed(VETO, GUARDIAN);
        Guard storage g = guards[w.org];
        if (g.recovery == 0 || g.recovery != d.subject || g.isFinal) revert IDPKI.NotVetoable(d.subject);
        g.recovery = 0;
        g.isVetoed = true;
        g.changeAt = _after(2 * uint256(g.timelock));
    }

    /// @dev As long as it does not count yet.
    function _vetoPointer(Draft memory d, Record r) private view returns (Record) {
        if (r.isRevoked() || block.timestamp >= r.from()) revert IDPKI.NotVetoable(d.subject);
        return r.revoked(block.timestamp);
    }

    /// @dev Takes the recovery that waits, if its time has come, and ends the epoch: all admins and limits are void, and
    /// what waited with them, and the freeze is over.
    /// @return epoch The new one.
    function _complete(bytes32 org, bytes calldata recovery) internal returns (uint256 epoch) {
        Guard storage g = guards[org];
        bytes32 id = keccak256(recovery);
        if (g.recovery == 0 || g.recovery != id) revert IDPKI.NoRecovery(id);
        if (block.timestamp < g.recoverAt) revert IDPKI.TooEarly(g.recoverAt);
        g.recovery = 0;
        g.pending = 0;
        g.isVetoed = false;
        Organisation storage o = organisations[org];
        epoch = o.epoch + 1;
        o.epoch = uint32(epoch);
        o.roots = 0;
        o.frozenUntil = 0;
        (, uint256 threshold) = abi.decode(recovery, (uint256, uint256));
        Thresholds memory t;
        o.limited = 0;
        if (threshold > 1) {
            o.limited = uint96(STRONG);
            for (uint256 kind = 0; kind < 64; ++kind) {
                if (STRONG >> kind & 1 == 0) continue;
                t.set(kind, threshold);
                o.limits[epoch][kind] = Limit(uint8(threshold), NEVER);
            }
        }
        o.thresholds = t;
    }

    /// @param recovery As _complete has taken it.
    function _newRoots(bytes calldata recovery) internal pure returns (address[] memory roots) {
        roots = new address[]((recovery.length - ROOTS_HEAD) / 32);
        for (uint256 i = 0; i < roots.length; ++i) {
            uint256 start = ROOTS_HEAD + 32 * i;
            roots[i] = address(uint160(uint256(bytes32(recovery[start:start + 32]))));
        }
    }

    /// @dev What is superseded and never ends: in force at once, for ever.
    function _checkForever(Draft memory d) internal view {
        if (d.from > block.timestamp || d.until != NEVER) {
            revert IDPKI.InvalidWindow(uint40(d.from), uint40(d.until));
        }
    }

    /// @dev Reads the list of accounts, one a word, that data ends with.
    /// @return count At most 16.
    /// @return ascending Strictly, none of them zero, nothing else.
    function _accounts(bytes memory data, uint256 head) private pure returns (uint256 count, bool ascending) {
        uint256 length = data.length;
        if (length < head || length % 32 != 0) return (0, false);
        count = (length - head) / 32;
        if (count > MAX_AUTHORS) return (0, false);
        uint256 last = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 account;
            assembly ("memory-safe") {
                account := mload(add(add(data, 32), add(head, mul(32, i))))
            }
            if (account <= last || account > type(uint160).max) return (0, false);
            last = account;
        }
        return (count, true);
    }

    function _after(uint256 delay) private view returns (uint40) {
        return uint40(block.timestamp + delay);
    }
}
