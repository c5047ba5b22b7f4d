// Command suite runs tests and says plainly what ran.
//
//	suite [-tally FILE] go ARGS...         go test -json ARGS...; failures are shown, passes are counted; what a
//	                                       test logs that begins with "measured: " is shown in any case
//	suite [-tally FILE] fuzz TIME ARGS...  every fuzz target of the packages ARGS, each for TIME
//	suite [-tally FILE] step NAME CMD...   one check that passes when the command exits 0, and is quiet then
//	suite [-tally FILE] forge CMD...       forge test; its closing line is counted
//	suite [-tally FILE] counted CMD...     a command that closes with the two lines below; they are counted
//	suite -tally FILE total                the sum of what the other calls have put into FILE
//
// Each prints, at its end,
//
//	ran N, skipped M (reasons)
//	N passed, N failed, N skipped
//
// and exits 1 when something failed. So does a run that ran nothing, a fuzz target with no seeds, and, when CI=true, a
// skip: a suite that has lost its tests must not look like one that passes.
//
// A Go test counts when it has no subtests, or when it failed and none of them did. The command does not follow the
// convention of sums over packages: what is counted is what was asserted.
package main
