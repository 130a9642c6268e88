package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// The exit codes, which scripts and CI rely on.
const (
	codeFailed      = 1
	codeUsage       = 2
	codeNotMet      = 3 // --fail-on
	codeInvalid     = 4
	codeInterrupted = 130
)

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageError marks bad input: flags, profiles, targets that cannot serve.
func usageError(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{codeUsage, err}
}

// invalidError marks a run whose numbers must not be used.
func invalidError(err error) error { return &exitError{codeInvalid, err} }

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exitError](err); ok { // of errors that are joined, the first
		return e.code
	}
	if errors.Is(err, errInterrupted) {
		return codeInterrupted
	}
	return codeFailed
}

// usageArgs makes a wrong number of arguments, or an unknown command, bad input.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		return usageError(check(cmd, args))
	}
}
