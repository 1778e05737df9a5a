"""A campaign as a whole: its ledger of runs and jobs, how it stands, what failed and why."""
