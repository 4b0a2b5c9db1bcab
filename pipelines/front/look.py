"""``python -m pipelines.front.look``: print how every product stands, for the front page."""

from pipelines.looking.standings import standings_as_json
from pipelines.options import use_options
from sepmodels.errors import UserError

if __name__ == "__main__":
    try:
        print(standings_as_json(*use_options()))
    except UserError as fault:
        raise SystemExit(str(fault)) from None
