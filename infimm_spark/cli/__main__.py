"""`python -m infimm_spark.cli` is `infimm`."""

from infimm_spark.cli.app import main

if __name__ == "__main__":
    main()
