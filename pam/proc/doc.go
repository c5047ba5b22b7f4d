// Package proc reads what the kernel says about processes (proc(5)). A process is named by its id together with its start
// time, because ids come round again. Every file is bounded and parsed once; what cannot be read or parsed is an error and never
// a guess.
package proc
