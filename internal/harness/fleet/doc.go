// Package fleet is an organisation on a development chain, for tests of what
// devices do: it writes with the contract's own calldata and seals with package
// bundle, without the administrator's command.
package fleet
