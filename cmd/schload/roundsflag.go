package main

import "schload/profiles"

// roundsFlag reads a number of rounds, or auto.
type roundsFlag int

func (r *roundsFlag) String() string { return profiles.Rounds(*r).String() }

func (r *roundsFlag) Set(text string) error {
	n, err := profiles.ParseRounds(text)
	*r = roundsFlag(n)
	return err
}

func (r *roundsFlag) Type() string { return "int|auto" }
