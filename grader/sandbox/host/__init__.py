"""The grader's side: sessions, and the processes behind them."""
