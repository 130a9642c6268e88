// Package profiles holds run profiles: what to load, which arms, which upgrade
// and for how long, as YAML. A profile is embedded under its name, or read from
// a file.
//
// The one invariant: every key is known (a misspelt key is an error with its
// line and a suggestion), and a profile that loads is a run that can start, as
// far as that can be known without a target.
//
// It starts nothing.
package profiles
