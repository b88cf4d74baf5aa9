"""The grader of the course labs: see README.md beside this file."""
