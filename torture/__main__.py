"""`python -m torture`."""

from torture.cli import app

if __name__ == "__main__":
    app()
