// Package desk is an administrator at the real command, with a sandbox for a chain
// and an organisation of one zone, for tests of what commands do to devices and
// clients. It needs the commands dpki and dpki-sandbox in the namespace.
package desk
