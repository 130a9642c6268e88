//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package matrix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile is held by whoever plays a matrix. It stays behind, and means
// nothing unless somebody holds it: the system lets go for one that was killed.
const lockFile = ".lock"

// lock keeps two processes from playing the same matrix.
func (m *Matrix) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(m.Dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%s is being played by another process: wait for it, or end it", m.Dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
