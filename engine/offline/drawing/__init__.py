"""The offline artist's hand: pen and colours, people, places, weather, and how a shot is staged."""
