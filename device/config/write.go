package config

import (
	"io/fs"

	"dpki/internal/file"
)

// Write replaces a file of the configuration as a whole.
func Write(path string, text []byte, mode fs.FileMode) error { return file.Replace(path, text, mode) }
