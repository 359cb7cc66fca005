"""`python -m boxferry`: the command line, where its script is not on the PATH."""

from boxferry.cli.main import main

if __name__ == "__main__":
    main()
