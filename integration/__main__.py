"""`python -m integration` is the `holdfast` command."""

from integration.cli import main

if __name__ == "__main__":
    main()
