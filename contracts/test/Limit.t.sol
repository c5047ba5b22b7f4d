// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Admin, IDPKI} from "../src/IDPKI.sol";
import "./Base.sol";

/// @dev LIMIT and DISTRUST entries.
contract LimitTest is BaseTest {
    bytes32 constant S = keccak256("subject");

    function test_none() public view {
        (uint8 approvals, uint40 longest) = dpki.limitOf(org, GRANT);
        vm.assertEq(approvals, 1, "approvals");
        vm.assertEq(longest, NEVER, "longest");
    }

    function test_longest_validity() public {
        write(org, limitOf(GRANT, 1, 3600));
        uint40 t = now40();
        refused(windowError(t, t + 3601), zone, change(PUT, GRANT, t, t + 3601, S, ""));
        // From the past counts from now; from the future counts from there.
        refused(windowError(0, t + 3601), zone, change(PUT, GRANT, 0, t + 3601, S, ""));
        refused(windowError(t + 100, t + 3701), zone, change(PUT, GRANT, t + 100, t + 3701, S, ""));
        refused(windowError(t, t + 3601), mailbox, change(PUT, GRANT, t, t + 3601, S, ""));
        write(zone, change(PUT, GRANT, t, t + 3600, S, ""));
        write(zone, change(PUT, GRANT, t + 100, t + 3700, keccak256("2"), ""));
        write(zone, change(PUT, GRANT, 1, t + 3600, keccak256("3"), ""));
        // Other kinds are free of it.
        write(zone, change(PUT, GRANT_PRIV, t, t + 400 days, S, ""));
    }

    function test_the_latest_counts() public {
        uint40 t = now40();
        write(org, limitOf(GRANT, 1, 3600));
        write(org, limitOf(GRANT, 1, 60));
        refused(windowError(t, t + 61), zone, change(PUT, GRANT, t, t + 61, S, ""));
        write(org, limitOf(GRANT, 1, NEVER));
        write(zone, change(PUT, GRANT, t, t + 400 days, S, ""));
    }

    function test_a_limit_counts_from_the_next_change_on() public {
        uint40 t = now40();
        bytes memory c = bytes.concat(
            change(PUT, POLICY, t, t + 100, S, ""),
            limitOf(POLICY, 1, 60),
            change(PUT, POLICY, t, t + 100, keccak256("2"), "")
        );
        refused(windowError(t, t + 100), org, c);
        write(org, bytes.concat(change(PUT, POLICY, t, t + 100, S, ""), limitOf(POLICY, 1, 60)));
    }

    function test_limits_bind_the_root_admin_and_delegated_admins_of_admins() public {
        write(org, limitOf(ADMIN, 1, 1 days));
        uint40 t = now40();
        Admin memory a = Admin(bob, zone, ALL, ALL, 0, 0);
        refused(windowError(0, t + 1 days + 1), org, adminOf(a, t + 1 days + 1));
        write(org, adminOf(a, t + 1 days));
        // Root admins and limits do not end, whatever the limit.
        write(org, adminOf(rootOf(bob, org, 0), NEVER));
        write(org, limitOf(LIMIT, 1, 60));
        write(org, limitOf(LIMIT, 1, 50));
    }

    function test_not_revocable() public {
        write(org, limitOf(GRANT, 1, 3600));
        refused(abi.encodeWithSelector(IDPKI.NotRevocable.selector, LIMIT), org, revokeOf(LIMIT, bytes32(uint256(1))));
        refused(abi.encodeWithSelector(IDPKI.NotRevocable.selector, LIMIT), org, revokeOf(LIMIT, S));
    }

    function test_no_window_but_for_ever() public {
        uint40 t = now40();
        bytes memory data = abi.encode(GRANT, 1, 3600);
        refused(windowError(t + 1, NEVER), org, change(PUT, LIMIT, t + 1, NEVER, S, data));
        refused(windowError(0, NEVER - 1), org, change(PUT, LIMIT, 0, NEVER - 1, S, data));
        write(org, change(PUT, LIMIT, t, NEVER, S, data));
    }

    function test_the_data_of_a_limit() public {
        bytes[8] memory bad = [
            abi.encode(96, 1, 60),
            abi.encode(GRANT, 0, 60),
            abi.encode(GRANT, 17, 60),
            abi.encode(GRANT, 1, 0),
            abi.encode(GRANT, 1, uint256(NEVER) + 1),
            abi.encode(uint256(2 ** 255) + GRANT, 1, 60),
            abi.encode(GRANT, 1, 60, 0),
            abi.encode(GRANT, 1)
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            refused(abi.encodeWithSelector(IDPKI.InvalidLimit.selector), org, change(PUT, LIMIT, 0, NEVER, S, bad[i]));
        }
        write(org, change(PUT, LIMIT, 0, NEVER, S, abi.encode(95, 1, NEVER)));
    }

    function test_a_zone_cannot_loosen_a_limit() public {
        write(org, limitOf(GRANT, 1, 60));
        uint40 t = now40();
        Admin memory a = delegate(bob, zone, ALL, ALL, t + 1 days);
        refused(abi.encodeWithSelector(IDPKI.OutOfReach.selector, org), a, org, 0, limitOf(GRANT, 1, NEVER));
        bytes memory c = change(PUT, LIMIT, 0, t + 1 days, S, abi.encode(GRANT, 1, NEVER));
        refused(abi.encodeWithSelector(IDPKI.OrganisationScopeOnly.selector, LIMIT), a, zone, 0, c);
        refused(windowError(t, t + 61), a, zone, 0, change(PUT, GRANT, t, t + 61, S, ""));
        write(a, zone, 0, change(PUT, GRANT, t, t + 60, S, ""));
    }

    function test_distrust() public {
        uint40 t = now40();
        bytes[5] memory bad = [
            abi.encode(bob, t - 10, t + 1),
            abi.encode(bob, t - 10, t - 11),
            abi.encode(uint256(2 ** 160), t - 10, t),
            abi.encode(bob, t - 10),
            abi.encode(bob, t - 10, t, 0)
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            refused(
                abi.encodeWithSelector(IDPKI.InvalidDistrust.selector), org, change(PUT, DISTRUST, 0, NEVER, S, bad[i])
            );
        }
        write(org, change(PUT, DISTRUST, 0, NEVER, S, abi.encode(bob, t - 10, t)));
        write(org, change(PUT, DISTRUST, 0, NEVER, keccak256("2"), abi.encode(address(0), t, t)));
    }

    function testFuzz_longest(uint8 kind, uint40 longest, uint40 from, uint40 length) public {
        kind = 16 + kind % 80;
        longest = 1 + longest % 400 days;
        uint40 t = now40();
        from = t - 1000 + from % 2000;
        uint40 until = t + 1 + length % 400 days;
        write(org, limitOf(kind, 1, longest));
        uint40 start = from > t ? from : t;
        bool fits = until > start && until - start <= longest;
        if (!fits) vm.expectRevert(windowError(from, until));
        vm.prank(alice);
        dpki.write(org, root, one(zone, 0, change(PUT, kind, from, until, S, "")));
    }

    /// @dev The kinds whose limits are kept twice, and their neighbours, in the organisation's scope, where a validity
    /// can be longer than what fits there.
    function testFuzz_limits_of_neighbours(uint8[6] memory kinds, uint40[6] memory longest) public {
        uint40[4] memory bound = [NEVER, NEVER, NEVER, NEVER];
        uint40 around = 2 ** 26 - 1;
        for (uint256 i = 0; i < 6; ++i) {
            uint8 k = kinds[i] % 4;
            bound[k] = longest[i] % 3 == 0 ? 1 + longest[i] % 1000 : around - 2 + longest[i] % 5;
            write(org, limitOf(GRANT - 1 + k, 1, bound[k]));
        }
        uint40 t = now40();
        for (uint8 k = 0; k < 4; ++k) {
            (uint8 a, uint40 l) = dpki.limitOf(org, GRANT - 1 + k);
            vm.assertTrue(a == 1 && l == bound[k], "limitOf");
            if (bound[k] == NEVER) continue;
            uint40 until = t + bound[k];
            refused(windowError(t, until + 1), org, change(PUT, GRANT - 1 + k, t, until + 1, S, ""));
            write(org, change(PUT, GRANT - 1 + k, t, until, S, ""));
        }
    }
}
