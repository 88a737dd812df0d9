"""Where the clinic's data lie and how long a login lasts, from the environment (`POSOLOGY_…`)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is read from `POSOLOGY_<NAME>`; `POSOLOGY_DATA` is the folder of everything the clinic writes."""

    model_config = SettingsConfigDict(env_prefix="POSOLOGY_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("posology-data"), description="folder of database, uploads and runs")
    database: SecretStr | None = Field(default=None, description="database URL; SQLite inside the data folder unless given")
    session_idle_minutes: int = Field(default=30, ge=1, le=24 * 60, description="a session unused for so long has ended")
    session_hours: int = Field(default=12, ge=1, le=7 * 24, description="a session ends after so long, used or not")
    token_days: int = Field(default=90, ge=1, le=366, description="an API token ends after so long unless asked for less")

    @property
    def url(self) -> str:
        """URL of the database, with its password."""
        given = self.database.get_secret_value().strip() if self.database else ""
        return given or f"sqlite:///{(self.data / 'posology.db').absolute()}"
