"""`python -m benchmarks`, which is what `hub bench` runs."""

from benchmarks.cli import main

if __name__ == "__main__":
    main()
