"""``python -m diffy``: the command line ``diffy``."""

from ._cli import main

if __name__ == "__main__":
    main()
