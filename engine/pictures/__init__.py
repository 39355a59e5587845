"""Pictures that come from outside, read in a process of their own and drawn anew; and how good a draft is."""
