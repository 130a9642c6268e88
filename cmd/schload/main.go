package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := interruptible(context.Background())
	code := Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main runs the command line and returns its exit code. Results go to stdout,
// progress and errors to stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "schload: %v\n", err)
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "schload",
		Short: "What Redis Smart Client Handoffs do for your application during an upgrade, with evidence",
		Long: "schload loads Redis through the go-redis client with Smart Client Handoffs (SCH) on and off\n" +
			"side by side while an upgrade is played, and compares what each arm felt.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	root.AddCommand(newRun(), newMatrix(), newCompare(), newMerge(), newReport(), newExport(), newExplain(), newCalibrate(), newSim(), newUpgrades(), newProfiles(), newHealth(), newVersion(), newArmProcess())
	for _, c := range root.Commands() {
		c.Args = usageArgs(c.Args)
	}
	root.Args = usageArgs(root.Args)
	return root
}

// interruptible cancels the context on the first SIGINT, SIGTERM or SIGHUP; a second
// one ends the process at once.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		cancel(errInterrupted)
		if _, ok := <-signals; ok {
			fmt.Fprintln(os.Stderr, "schload: interrupted again: gone at once; the bundle holds what was recorded up to now")
			os.Exit(codeInterrupted)
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

var errInterrupted = errors.New("interrupted")
