"""The box itself: lights, buzzer, buttons, temperatures, fans, supplies."""
