package main

import "fmt"

type checkCmd struct {
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run reports every fault of the configuration.
func (cmd checkCmd) Run(c console) error {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	_, err = fmt.Fprintf(c.stdout, "%s is fine\n", cmd.Config)
	if lacks := cfg.Runnable(); lacks != nil {
		fmt.Fprintf(c.stdout, "Before it can run:\n%v\n", lacks)
	}
	return err
}
