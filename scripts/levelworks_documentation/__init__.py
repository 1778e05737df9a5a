"""Pages of the documentation that are made from the code: options, stages, commands, the executor, graphs of rules."""
