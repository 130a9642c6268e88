//go:build !unix

package main

// heed does nothing: the system has no signals for users.
func (o *operator) heed() (start, end []string, deaf func()) { return nil, nil, func() {} }
