@echo off
rem Keystone for Windows: deno.exe and keystone.js stand beside this file, wherever that is.
setlocal
set "KEYSTONE_COMMAND=%~f0"
rem A gateway does not ask whether there is a newer Deno.
set "DENO_NO_UPDATE_CHECK=1"
"%~dp0deno.exe" run @RUN_FLAGS@ "%~dp0keystone.js" %*
exit /b %ERRORLEVEL%
