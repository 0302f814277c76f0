"""What jobs cost, and what their alternatives would."""
