"""What runs on a node: the worker of a bundle of jobs. Standard library alone, until a job asks for a product line."""
