"""The commands of `holdfast`, in three groups: run it, manage it, look at what it recorded."""
